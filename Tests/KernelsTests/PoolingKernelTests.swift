import Primitives
import Testing

/// An image of one channel, 3×4, under windows of 2×2 with stride 2, padded by one pixel above.
private var windows: ek_windows {
  ek_windows(
    rows: 1, height: 3, width: 4, channels: 1, out_height: 2, out_width: 2, out_channels: 1, groups: 1,
    kernel_height: 2, kernel_width: 2, stride_height: 2, stride_width: 2, dilation_height: 1, dilation_width: 1,
    pad_top: 1, pad_left: 0, pad_bottom: 0, pad_right: 0)
}

private let image: [Float] = [
  -3, -1, 5, 5,
  2, 7, 7, 0,
  4, 7, .nan, 9,
]

@Test func theLargestValueIsTheFirstOfEqualOnesAndANaNDoesNotVanish() {
  var described = windows
  var (y, place) = ([Float](repeating: 0, count: 4), [Int32](repeating: -1, count: 4))
  ek_largest_pool(&described, 1, image, &y, &place)
  #expect(y[0...2] == [-1, 5, 7], "padding is not a value")
  #expect(y[3].isNaN)
  #expect(place == [3, 2, 1, 2])
  var dx = [Float](repeating: .nan, count: 12)
  ek_largest_pool_backward(&described, 1, [1, 2, 4, 8], place, &dx)
  #expect(dx == [0, 1, 2, 0, 0, 4, 0, 0, 0, 0, 8, 0])
}

@Test func theMeanCountsPaddingAsZeros() {
  var described = windows
  var y = [Float](repeating: .nan, count: 4)
  ek_mean_pool(&described, 1, image, &y)
  #expect(y[0...2] == [-1, 2.5, 5])
  #expect(y[3].isNaN)
  var dx = [Float](repeating: .nan, count: 12)
  ek_mean_pool_backward(&described, 1, [4, 8, 12, 16], &dx)
  #expect(dx == [1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4])
}
