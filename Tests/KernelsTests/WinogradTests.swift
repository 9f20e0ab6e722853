import EvenkeelReference
import Primitives
import Testing

private func windows(
  height: Int, width: Int, channels: Int, outputs: Int, outHeight: Int, outWidth: Int, top: Int, left: Int
) -> ek_windows {
  ek_windows(
    rows: 1, height: Int64(height), width: Int64(width), channels: Int64(channels), out_height: Int64(outHeight),
    out_width: Int64(outWidth), out_channels: Int64(outputs), groups: 1, kernel_height: 3, kernel_width: 3,
    stride_height: 1, stride_width: 1, dilation_height: 1, dilation_width: 1, pad_top: Int64(top),
    pad_left: Int64(left),
    pad_bottom: 0, pad_right: 0)
}

private func isCarriedOut() -> Bool {
  var described = windows(
    height: 4, width: 4, channels: 16, outputs: 16, outHeight: 4, outWidth: 4, top: 1, left: 1)
  return ek_winograd_suits(&described) != 0
}

/// A 3×3 convolution in Double, and how far Winograd's is from it.
private struct Convolved {
  let rows, height, width, channels, outputs, outHeight, outWidth, top, left: Int
  let x: [Float], weights: [Float], bias: [Float], dy: [Float]

  init(
    rows: Int = 3, height: Int, width: Int, channels: Int, outputs: Int, outHeight: Int, outWidth: Int, top: Int = 1,
    left: Int = 1
  ) {
    (self.rows, self.height, self.width, self.channels, self.outputs) = (rows, height, width, channels, outputs)
    (self.outHeight, self.outWidth, self.top, self.left) = (outHeight, outWidth, top, left)
    var numbers = Numbers(rows * 100 + height + channels)
    x = numbers.many(rows * height * width * channels)
    weights = numbers.many(outputs * channels * 9)
    bias = numbers.many(outputs)
    dy = numbers.many(rows * outHeight * outWidth * outputs)
  }

  /// Calls `body` with the places of every product y += w x.
  private func forEachProduct(_ body: (_ y: Int, _ w: Int, _ x: Int) -> Void) {
    for row in 0..<rows {
      for i in 0..<outHeight {
        for j in 0..<outWidth {
          for (ki, kj) in (0..<9).map({ ($0 / 3, $0 % 3) })
          where (0..<height).contains(i + ki - top) && (0..<width).contains(j + kj - left) {
            let from = ((row * height + i + ki - top) * width + j + kj - left) * channels
            let to = ((row * outHeight + i) * outWidth + j) * outputs
            for o in 0..<outputs {
              for c in 0..<channels { body(to + o, (o * channels + c) * 9 + ki * 3 + kj, from + c) }
            }
          }
        }
      }
    }
  }

  /// The largest error of y, dx and dW, each over the root of its mean square. dW is computed in blocks of output channels.
  func errors(outputsAtOnce: Int) -> [Double] {
    var y = dy.indices.map { Double(bias[$0 % outputs]) }
    var dx = [Double](repeating: 0, count: x.count)
    var dw = [Double](repeating: 0, count: weights.count)
    forEachProduct { i, w, j in
      y[i] += Double(weights[w]) * Double(x[j])
      dx[j] += Double(weights[w]) * Double(dy[i])
      dw[w] += Double(dy[i]) * Double(x[j])
    }
    let (ourY, ourDx, ourDw) = ours(outputsAtOnce)
    return [error(ourY, y), error(ourDx, dx), error(ourDw, dw)]
  }

  private func error(_ ours: [Float], _ exact: [Double]) -> Double {
    let size = (exact.reduce(0) { $0 + $1 * $1 } / Double(exact.count)).squareRoot()
    return zip(ours, exact).reduce(0) { max($0, abs(Double($1.0) - $1.1)) } / size
  }

  private func ours(_ outputsAtOnce: Int) -> ([Float], [Float], [Float]) {
    var described = windows(
      height: height, width: width, channels: channels, outputs: outputs, outHeight: outHeight, outWidth: outWidth,
      top: top, left: left)
    let images = ek_winograd_images(&described)
    let reversed = ek_winograd_reversed(images)
    func floats(_ count: Int) -> [Float] { [Float](repeating: .nan, count: count) }
    var (packed, packedReversed) = (
      floats(ek_winograd_packed_count(images)), floats(ek_winograd_packed_count(reversed))
    )
    for first in stride(from: 0, to: outputs, by: 16) { ek_winograd_pack(images, 0, weights, first, 16, &packed) }
    ek_winograd_pack(reversed, 1, weights, 0, channels, &packedReversed)
    var workspace = floats(
      max(ek_winograd_sums_workspace_count(images, outputs), ek_winograd_sums_workspace_count(reversed, channels)))
    var (y, dx, dw) = (floats(dy.count), floats(x.count), floats(weights.count))
    ek_winograd_forward(images, rows, x, packed, bias, &y, &workspace)
    ek_winograd_forward(reversed, rows, dy, packedReversed, nil, &dx, &workspace)
    let each = 9 * channels
    for first in stride(from: 0, to: outputs, by: outputsAtOnce) {
      let count = min(outputsAtOnce, outputs - first)
      var sums = floats(count * each)
      ek_winograd_sums(images, rows, x, dy, first, count, &sums, &workspace)
      dw.withUnsafeMutableBufferPointer { dw in
        ek_winograd_unpack(channels, count, sums, dw.baseAddress! + first * each)
      }
    }
    return (y, dx, dw)
  }
}

/// A sum of n products has an error of some √n roundings; the transforms of 6×6 tiles multiply it by the roots of their rows'
/// sums of squares: with the points 0, ±5/8 and ±3/2 by 4.9² on the way out and 3² on the way in.
@Test(.enabled(if: isCarriedOut(), "the processor has no registers of 16 floats"))
func convolutionsOf3By3StayWithinWinogradsRounding() {
  let cases = [
    Convolved(height: 9, width: 9, channels: 32, outputs: 48, outHeight: 9, outWidth: 9),
    Convolved(height: 7, width: 11, channels: 16, outputs: 16, outHeight: 5, outWidth: 9, top: 0, left: 0),
    Convolved(height: 8, width: 8, channels: 64, outputs: 32, outHeight: 8, outWidth: 8),
    Convolved(height: 5, width: 6, channels: 16, outputs: 64, outHeight: 8, outWidth: 5, top: 2, left: 0),
    Convolved(rows: 1, height: 2, width: 1, channels: 48, outputs: 16, outHeight: 2, outWidth: 1),
  ]
  let bound = 4.9 * 4.9 * 3 * 3 * 0x1p-24
  for convolved in cases {
    for error in convolved.errors(outputsAtOnce: convolved.outputs) { #expect(error < bound) }
  }
  for error in cases[0].errors(outputsAtOnce: 32) { #expect(error < bound) }
}

@Test func windowsThatWinogradCannotCarryOutAreLeftToTheDirectAlgorithm() {
  let plain = windows(height: 8, width: 8, channels: 16, outputs: 16, outHeight: 8, outWidth: 8, top: 1, left: 1)
  func suits(_ change: (inout ek_windows) -> Void) -> Bool {
    var changed = plain
    change(&changed)
    return ek_winograd_suits(&changed) != 0
  }
  #expect(suits { _ in } == isCarriedOut())
  #expect(!suits { $0.kernel_height = 5 })
  #expect(!suits { $0.stride_width = 2 })
  #expect(!suits { $0.dilation_height = 2 })
  #expect(!suits { $0.groups = 2 })
  #expect(!suits { $0.channels = 24 })
  #expect(!suits { $0.out_channels = 8 })
}
