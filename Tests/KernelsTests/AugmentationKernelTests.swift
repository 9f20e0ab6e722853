import Evenkeel
import Glibc
import Kernels
import Testing

/// An image in Double, zero outside.
private struct Picture {
  let height: Int, width: Int, channels: Int
  var values: [Double]

  subscript(y: Int, x: Int, channel: Int) -> Double {
    guard (0..<height).contains(y), (0..<width).contains(x) else { return 0 }
    return values[(y * width + x) * channels + channel]
  }

  /// The picture whose value at each place is `value(y, x, channel)`.
  func mapped(_ value: (Int, Int, Int) -> Double) -> Picture {
    var result = self
    for y in 0..<height {
      for x in 0..<width {
        for channel in 0..<channels { result.values[(y * width + x) * channels + channel] = value(y, x, channel) }
      }
    }
    return result
  }

  func changed(by transform: ek_transform, means: [Double]) -> Picture {
    switch transform.kind {
    case EK_SHIFT: return mapped { self[$0 - Int(transform.y), $1 - Int(transform.x), $2] }
    case EK_FLIP: return mapped { self[$0, width - 1 - $1, $2] }
    case EK_CUT_OUT:
      let (left, top, side) = (Int(transform.x), Int(transform.y), Int(transform.side))
      return mapped { y, x, channel in
        (left..<left + side).contains(x) && (top..<top + side).contains(y)
          ? means[channel % means.count] : self[y, x, channel]
      }
    case EK_ROTATE:
      // A turn by the angle a, counterclockwise with y downwards, takes (x, y) to (x cos a + y sin a, −x sin a + y cos a);
      // the value comes from where the turn back leads.
      let angle = atan2(transform.sine, transform.cosine)
      let (middleX, middleY) = (Double(width - 1) / 2, Double(height - 1) / 2)
      return mapped { y, x, channel in
        let (dx, dy) = (Double(x) - middleX, Double(y) - middleY)
        let fromX = dx * cos(-angle) + dy * sin(-angle) + middleX
        let fromY = -dx * sin(-angle) + dy * cos(-angle) + middleY
        let (x0, y0) = (Int(floor(fromX)), Int(floor(fromY)))
        let (u, v) = (fromX - floor(fromX), fromY - floor(fromY))
        return (1 - v) * ((1 - u) * self[y0, x0, channel] + u * self[y0, x0 + 1, channel])
          + v * ((1 - u) * self[y0 + 1, x0, channel] + u * self[y0 + 1, x0 + 1, channel])
      }
    default: return self
    }
  }
}

/// Images of whole numbers from 0 to 255, so that bytes and floats can hold them.
private func images(_ count: Int, _ shape: Shape, seed: UInt64 = 1) -> [Float] {
  var random = RandomNumbers(RandomKey(seed: seed))
  return (0..<count * shape.count).map { _ in Float(random.integer(below: 256)) }
}

private let transforms: [ek_transform] = {
  var list: [ek_transform] = [ek_transform()]
  for (x, y) in [(0, 0), (3, -2), (-1, 4), (-9, 0), (0, 9)] {
    list.append(ek_transform(kind: EK_SHIFT, x: Int32(x), y: Int32(y), side: 0, cosine: 0, sine: 0))
  }
  list.append(ek_transform(kind: EK_FLIP, x: 0, y: 0, side: 0, cosine: 0, sine: 0))
  for degrees in [0.0, 7, -31, 90, 180] {
    let angle = degrees * Double.pi / 180
    list.append(ek_transform(kind: EK_ROTATE, x: 0, y: 0, side: 0, cosine: cos(angle), sine: sin(angle)))
  }
  for (x, y, side) in [(1, 2, 3), (-1, -2, 4), (4, 4, 9)] {
    list.append(ek_transform(kind: EK_CUT_OUT, x: Int32(x), y: Int32(y), side: Int32(side), cosine: 0, sine: 0))
  }
  return list
}()

/// Every change alone, and every pair in both orders, of bytes and of floats.
///
/// Values are moved exactly. A turn's two weights carry at most 2⁻²⁴ each, their products and the four terms' sum some more:
/// less than 2⁻²⁰ of 255 a turn; a cut-out's mean is a float.
@Test(arguments: [Shape([6, 7, 3]), [7, 5, 1], [8, 8]], [true, false])
func changedImagesAgreeWithTheDoubleReference(shape: Shape, bytes: Bool) {
  let (height, width) = (shape.dimensions[0], shape.dimensions[1])
  let channels = shape.count / (height * width)
  let values = images(2, shape)
  let small = values.map { UInt8($0) }
  let means = (0..<channels).map { 100 + 9 * Float($0) }
  let scales = (0..<channels).map { 1 / (60 + Float($0)) }
  var scratch = [Float](repeating: .nan, count: 2 * shape.count)
  for first in transforms {
    for second in transforms {
      var output = [Float](repeating: .nan, count: 2 * shape.count)
      let bad = small.withUnsafeBytes { small in
        values.withUnsafeBytes { values in
          var source = ek_source(
            base: bytes ? small.baseAddress : values.baseAddress, element: bytes ? EK_UINT8 : EK_FLOAT32,
            stored_width: shape.count,
            skipped_column: -1)
          return means.withUnsafeBufferPointer { means in
            scales.withUnsafeBufferPointer { scales in
              var scaling = ek_scaling()
              (scaling.period, scaling.mean, scaling.scale) = (channels, means.baseAddress, scales.baseAddress)
              return ek_gather_augmented(
                &source, [1, 0], 2, height, width, channels, [first, second, second, first], 2, &scaling, &scratch,
                &output, 1)
            }
          }
        }
      }
      #expect(bad == -1)
      for (row, (example, steps)) in [(1, [first, second]), (0, [second, first])].enumerated() {
        let stored = values[example * shape.count..<(example + 1) * shape.count].map { Double($0) }
        let expected = steps.reduce(Picture(height: height, width: width, channels: channels, values: stored)) {
          $0.changed(by: $1, means: means.map { Double($0) })
        }
        let turns = Double(steps.count { $0.kind == EK_ROTATE })
        for index in 0..<shape.count {
          let scale = Double(scales[index % channels])
          let reference = (expected.values[index] - Double(means[index % channels])) * scale
          let bound = turns * 255 * 0x1p-20 * scale + 0x1p-22 * abs(reference)
          let got = Double(output[row * shape.count + index])
          guard abs(got - reference) > bound else { continue }
          Issue.record("\(first.kind) and \(second.kind), row \(row), value \(index): \(got), expected \(reference)")
          return
        }
      }
    }
  }
}
