import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import Kernels
import Testing

/// One call of the forward and backward kernels with memory of its own.
private struct GroupNormCall {
  var y, dx, dscale, dshift: [Float]
  var bad: Int

  /// - Parameter shape: Examples, positions, channels and groups.
  init(
    _ x: [Float], _ shape: (Int, Int, Int, Int), epsilon: Double = 1e-5, isCentered: Bool = true, scale: [Float]?,
    shift: [Float]?, dy: [Float], inPlace: Bool = false, threads: Int32 = 1
  ) {
    let (examples, positions, channels, groups) = shape
    y = inPlace ? x : Array(repeating: 12345, count: x.count)
    dx = inPlace ? dy : Array(repeating: 12345, count: x.count)
    dscale = Array(repeating: 12345, count: channels)
    dshift = dscale
    bad = -1
    var statistics = [Float](repeating: 12345, count: 3 * examples * groups)
    let scales = scale ?? [], shifts = shift ?? []
    scales.withUnsafeBufferPointer { scales in
      shifts.withUnsafeBufferPointer { shifts in
        statistics.withUnsafeMutableBufferPointer { statistics in
          let start = statistics.baseAddress!
          let view = ek_group_statistics(
            mean_high: start, mean_low: start + examples * groups, inverse_deviation: start + 2 * examples * groups)
          var norm = ek_group_norm(
            examples: examples, positions: positions, channels: channels, groups: groups, epsilon: epsilon,
            centered: isCentered ? 1 : 0, scale: scale == nil ? nil : scales.baseAddress,
            shift: shift == nil ? nil : shifts.baseAddress)
          var scratch = [Double](repeating: .nan, count: ek_group_norm_scratch(&norm))
          var sums = [Double](repeating: .nan, count: ek_slice_stride(channels))
          y.withUnsafeMutableBufferPointer { y in
            x.withUnsafeBufferPointer { x in
              bad = ek_group_norm_forward(
                &norm, inPlace ? UnsafePointer(y.baseAddress!) : x.baseAddress!, y.baseAddress!, view, &scratch)
            }
          }
          dscale.withUnsafeMutableBufferPointer { dscale in
            dshift.withUnsafeMutableBufferPointer { dshift in
              dx.withUnsafeMutableBufferPointer { dx in
                dy.withUnsafeBufferPointer { dy in
                  ek_group_norm_backward(
                    &norm, x, inPlace ? UnsafePointer(dx.baseAddress!) : dy.baseAddress!, view,
                    &sums, dx.baseAddress!, &scratch)
                  for channel in 0..<channels {
                    if scale != nil { dscale[channel] = Float(sums[ek_slice_second(channels) + channel]) }
                    if shift != nil { dshift[channel] = Float(sums[channel]) }
                  }
                }
              }
            }
          }
        }
      }
    }
  }
}

private let shapes: [(Int, Int, Int, Int)] = [
  (1, 1, 3, 1), (5, 1, 8, 1), (60, 1, 17, 1), (9, 1, 1024, 1), (700, 1, 100, 1), (7, 1, 24, 4), (33, 1, 64, 2),
  (1, 7, 3, 1), (3, 9, 16, 16), (5, 30, 20, 5), (2, 100, 33, 11), (40, 49, 64, 8), (3, 4, 48, 1), (17, 2, 6, 6),
]

@Test(arguments: shapes)
func theKernelsOfNormsOfAnExampleAgreeWithTheReference(shape: (Int, Int, Int, Int)) {
  let (examples, positions, channels, groups) = shape
  var numbers = Numbers(positions * 1000 + channels)
  let count = examples * positions * channels
  let (x, dy) = (numbers.many(count), numbers.many(count))
  let (scale, shift) = (numbers.many(channels), numbers.many(channels))
  let input = Shape([positions, channels])
  for isCentered in positions == 1 && groups == 1 ? [true, false] : [true] {
    let layer: any Layer = isCentered ? GroupNorm(groups: groups) : RMSNorm(epsilon: 1e-5)
    for (scale, shift) in [(scale, shift), (nil, shift), (scale, nil), (nil, nil)] as [([Float]?, [Float]?)] {
      let call = GroupNormCall(x, shape, isCentered: isCentered, scale: scale, shift: shift, dy: dy)
      let reference = ReferenceExampleNorm(
        layer, input: input, scale: scale?.map { Bounded($0) }, shift: shift?.map { Bounded($0) })!
      let y = reference.forward(Matrix(examples, positions * channels, x), training: true)
      let dx = reference.backward(Matrix(examples, positions * channels, dy))
      #expect(call.bad == -1)
      expect(call.y, near: y.values, "y of \(layer) \(shape)")
      expect(call.dx, near: dx.values, "dx of \(layer) \(shape)")
      if scale != nil { expect(call.dscale, near: reference.gradients[".weight"]!, "dγ of \(layer) \(shape)") }
      if shift != nil { expect(call.dshift, near: reference.gradients[".bias"]!, "dβ of \(layer) \(shape)") }
      for (threads, inPlace) in [(2, false), (3, true), (16, true)] {
        let other = GroupNormCall(
          x, shape, isCentered: isCentered, scale: scale, shift: shift, dy: dy, inPlace: inPlace,
          threads: Int32(threads))
        #expect(
          other.y == call.y && other.dx == call.dx && other.dscale == call.dscale && other.dshift == call.dshift,
          "\(shape) with \(threads) threads, in place \(inPlace)")
      }
    }
  }
}

/// The bound that the project states for batch norm holds here too: |y − y_ref| ≤ 8 u (|γ x̂| + |β|), whatever κ = |μ|/σ is.
@Test(arguments: [0, 1e2, 1e4, 1e6])
func normsOfAnExampleAreExactHoweverLargeTheMeanIs(kappa: Double) {
  for shape in [(20, 1, 256, 1), (20, 1, 256, 4), (6, 50, 24, 3)] {
    let (examples, positions, channels, groups) = shape
    var numbers = Numbers(7)
    let count = examples * positions * channels
    let x = (0..<count).map { _ in Float(kappa + 1.7 * Double(numbers.next())) }
    let (scale, shift, dy) = (numbers.many(channels), numbers.many(channels), numbers.many(count))
    let call = GroupNormCall(x, shape, scale: scale, shift: shift, dy: dy)
    let reference = ReferenceExampleNorm(
      GroupNorm(groups: groups), input: [positions, channels], scale: scale.map { Bounded($0) },
      shift: shift.map { Bounded($0) })!
    let y = reference.forward(Matrix(examples, positions * channels, x), training: true)
    for at in 0..<count {
      let bound =
        abs(Double(scale[at % channels]) * reference.normalized.values[at].value) + abs(Double(shift[at % channels]))
      #expect(abs(Double(call.y[at]) - y.values[at].value) <= 8 * Bounded.u * bound)
    }
    expect(
      call.dx, near: reference.backward(Matrix(examples, positions * channels, dy)).values, "dx at κ = \(kappa)")
  }
}

@Test(arguments: [Float(100), 1e10, 0, -3.3e-30, 1e30])
func anExampleOfOneValueGivesExactlyTheShift(constant: Float) {
  let shift: [Float] = [0.1, -2, 3e7, 0.3333333, 0, 17]
  for shape in [(9, 1, 6, 1), (9, 1, 6, 2), (4, 5, 6, 1), (4, 5, 6, 6)] {
    let count = shape.0 * shape.1 * shape.2
    let call = GroupNormCall(
      Array(repeating: constant, count: count), shape, scale: [1, 2, -3, 1e3, 7, 1], shift: shift,
      dy: Array(repeating: 1, count: count))
    for at in 0..<count { #expect(call.y[at] == shift[at % 6]) }
  }
}

/// A gradient along what the norm takes away is none: Σ dx = 0 and Σ dx x̂ = 0 over each set, the latter but for ε.
@Test func theGradientIsOrthogonalToTheMeanAndTheNormalizedValues() {
  var numbers = Numbers(3)
  for shape in [(8, 1, 40, 1), (3, 10, 12, 4)] {
    let (examples, positions, channels, groups) = shape
    let count = examples * positions * channels
    let (x, dy) = (numbers.many(count), numbers.many(count))
    let call = GroupNormCall(x, shape, epsilon: 0, scale: nil, shift: nil, dy: dy)
    for set in 0..<examples * groups {
      let members = (0..<count).filter {
        $0 / (positions * channels) == set / groups && $0 % channels / (channels / groups) == set % groups
      }
      #expect(abs(members.reduce(0) { $0 + Double(call.dx[$1]) }) < 1e-5)
      #expect(abs(members.reduce(0) { $0 + Double(call.dx[$1]) * Double(call.y[$1]) }) < 1e-5)
    }
  }
}

@Test(arguments: PyTorchNorm.all)
func theKernelsOfNormsOfAnExampleDoWhatPyTorchDoes(golden: PyTorchNorm) {
  let (kind, examples, features) = (golden.kind, 3, 6)
  let positions = golden.axes.reduce(1, *)
  let count = examples * positions * features
  let (x, scale, shift) = (wave(count, 0.7, 2, 3), wave(6, 1.3, 1.5), wave(6, 1.7, 0.5))
  let hasShift = golden.values["bias"] != nil
  func check(_ values: [Float], _ name: String) {
    expect(values, near: golden.values[name]!.map { Bounded($0, error: 64 * Bounded.u * (1 + abs($0))) }, name)
  }
  let sets: (Int, Int, Int, Int) =
    switch kind {
    case "layerNorm", "rmsNorm": (examples * positions, 1, features, 1)
    case "instanceNorm": (examples, positions, features, features)
    default: (examples, positions, features, Int(kind.split(separator: " ")[1])!)
    }
  let call = GroupNormCall(
    x, sets, epsilon: kind == "rmsNorm" ? 0x1p-23 : 1e-5, isCentered: kind != "rmsNorm", scale: scale,
    shift: hasShift ? shift : nil, dy: wave(count, 1.9, 1))
  check(call.y, "y")
  check(call.dx, "dx")
  check(call.dscale, "weight")
  if hasShift { check(call.dshift, "bias") }
}
