import Evenkeel

/// The largest value of each window; tangents follow the place where it was, which does not move (the first of equal ones).
final class MaxPoolStep: LinearStep {
  private let hasTangentInput: Bool
  private let height, width: Windows.Axis
  private let channels: Int
  /// For each output, where in the example its value came from.
  private var sources: [Int32]
  private let inputLength, outputLength: Int
  private let y, yTangent, dx, dxTangent: AlignedFloats

  init(_ pool: MaxPool, _ site: LayerSite, hasTangentInput: Bool) throws {
    self.hasTangentInput = hasTangentInput
    (height, width) = try pool.windows.axes(of: site.input, kind: MaxPool.kind)
    channels = site.input.featureCount
    (inputLength, outputLength) = (site.input.count, site.output.count)
    let (inputs, outputs) = (site.maximumRows * inputLength, site.maximumRows * outputLength)
    sources = Array(repeating: 0, count: outputs)
    y = AlignedFloats(count: outputs)
    yTangent = AlignedFloats(count: hasTangentInput ? outputs : 0)
    dx = AlignedFloats(count: hasTangentInput ? inputs : 0)
    dxTangent = AlignedFloats(count: hasTangentInput ? inputs : 0)
  }

  func forward(_ x: UnsafeMutablePointer<Float>, _ at: Linearization) -> UnsafeMutablePointer<Float> {
    for output in sources.indices {
      let (row, place) = (output / outputLength, output % outputLength)
      let channel = place % channels
      let (top, left) = (
        place / channels / width.output * height.stride, place / channels % width.output * width.stride
      )
      var best: Int?
      for i in 0..<height.kernel {
        let h = top + i - height.before
        guard (0..<height.extent).contains(h) else { continue }
        for j in 0..<width.kernel {
          let w = left + j - width.before
          guard (0..<width.extent).contains(w) else { continue }
          let source = (h * width.extent + w) * channels + channel
          if best == nil || x[row * inputLength + source] > x[row * inputLength + best!] { best = source }
        }
      }
      sources[output] = Int32(best!)
      y.start[output] = x[row * inputLength + best!]
    }
    return y.start
  }

  func backward(_ dy: UnsafeMutablePointer<Float>, _ at: Linearization) -> UnsafeMutablePointer<Float>? {
    scatter(dy, to: dx)
  }

  func forwardTangent(_ tangent: UnsafeMutablePointer<Float>?, _ at: Linearization) -> UnsafeMutablePointer<Float>? {
    guard let tangent else { return nil }
    let result = yTangent.start
    for output in sources.indices {
      result[output] = tangent[output / outputLength * inputLength + Int(sources[output])]
    }
    return result
  }

  func backwardTangent(_ tangent: UnsafeMutablePointer<Float>, _ at: Linearization) -> UnsafeMutablePointer<Float>? {
    scatter(tangent, to: dxTangent)
  }

  private func scatter(_ dy: UnsafeMutablePointer<Float>, to target: AlignedFloats) -> UnsafeMutablePointer<Float>? {
    guard hasTangentInput else { return nil }
    let dx = target.start
    dx.update(repeating: 0, count: target.count)
    for output in sources.indices { dx[output / outputLength * inputLength + Int(sources[output])] += dy[output] }
    return dx
  }
}
