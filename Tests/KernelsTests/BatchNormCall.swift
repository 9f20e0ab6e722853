import Evenkeel
import EvenkeelReference
import Kernels
import Testing

/// One call of the forward and backward kernels with memory of its own.
struct BatchNormCall {
  var y: [Float]
  var dx: [Float]
  var dscale: [Float]
  var dshift: [Float]
  /// Mean (high and low part), variance and 1/deviation.
  var statistics: [Float]
  var bad: Int

  /// - Parameters:
  ///   - given: Mean and variance that normalize in place of the batch's.
  ///   - inPlace: Whether y takes the place of x, and dx that of dy.
  init(
    _ x: [Float], _ m: Int, _ c: Int, epsilon: Double = 1e-5, scale: [Float]?, shift: [Float]?, dy: [Float],
    activation: ek_activation = EK_IDENTITY, slope: Float = 0.1, given: (mean: [Float], variance: [Float])? = nil,
    inPlace: Bool = false, threads: Int32 = 1
  ) {
    var statistics = [Float](repeating: 0, count: 4 * c)
    if let given {
      statistics = given.mean + [Float](repeating: 0, count: c) + given.variance
      statistics += given.variance.map { Float(1 / (Double($0) + epsilon).squareRoot()) }
    }
    var scratch = [Double](repeating: 0, count: ek_batch_norm_scratch(m, c))
    var y = inPlace ? x : Array(repeating: 12345, count: m * c)
    var gradient = dy
    var dx = [Float](repeating: 12345, count: m * c)
    var learned = [Float](repeating: 12345, count: 2 * c)
    var bad = -1
    let scales = scale ?? []
    let shifts = shift ?? []
    statistics.withUnsafeMutableBufferPointer { statistics in
      scales.withUnsafeBufferPointer { scales in
        shifts.withUnsafeBufferPointer { shifts in
          let view = ek_batch_statistics(
            mean_high: statistics.baseAddress!, mean_low: statistics.baseAddress! + c,
            variance: statistics.baseAddress! + 2 * c, inverse_deviation: statistics.baseAddress! + 3 * c)
          var norm = ek_batch_norm(
            rows: m, features: c, epsilon: epsilon, scale: scale == nil ? nil : scales.baseAddress,
            shift: shift == nil ? nil : shifts.baseAddress, activation: activation, slope: slope, addend: nil,
            past_cache: 0)
          y.withUnsafeMutableBufferPointer { y in
            x.withUnsafeBufferPointer { x in
              let source = inPlace ? UnsafePointer(y.baseAddress!) : x.baseAddress!
              if given == nil {
                bad = ek_batch_norm_forward(&norm, source, y.baseAddress!, view, &scratch, threads)
              } else {
                ek_batch_norm_apply(&norm, source, y.baseAddress!, view)
              }
            }
          }
          gradient.withUnsafeMutableBufferPointer { gradient in
            learned.withUnsafeMutableBufferPointer { learned in
              dx.withUnsafeMutableBufferPointer { dx in
                ek_batch_norm_backward(
                  &norm, given == nil ? 0 : 1, x, y, gradient.baseAddress!, view,
                  scale == nil ? nil : learned.baseAddress!,
                  shift == nil ? nil : learned.baseAddress! + c,
                  inPlace ? gradient.baseAddress! : dx.baseAddress!, &scratch, threads)
              }
            }
          }
        }
      }
    }
    if inPlace { dx = gradient }
    dscale = Array(learned[..<c])
    dshift = Array(learned[c...])
    self.bad = bad
    self.y = y
    self.dx = dx
    self.statistics = statistics
  }
}

/// The reference for one call.
struct BatchNormReference {
  let norm: ReferenceBatchNorm
  let y: [Bounded]
  let dx: [Bounded]
  var dscale: [Bounded]? { norm.gradients[".weight"] }
  var dshift: [Bounded]? { norm.gradients[".bias"] }

  init(
    _ x: [Float], _ m: Int, _ c: Int, epsilon: Double = 1e-5, scale: [Float]?, shift: [Float]?, dy: [Float],
    function: ReferenceFunction? = nil, given: (mean: [Float], variance: [Float])? = nil
  ) {
    norm = ReferenceBatchNorm(
      BatchNorm(epsilon: epsilon, frozen: given != nil), features: c, scale: scale?.map { Bounded($0) },
      shift: shift?.map { Bounded($0) })
    if let given {
      norm.runningMean = given.mean.map { Bounded($0) }
      norm.runningVariance = given.variance.map { Bounded($0) }
    }
    let layers = ReferenceSequence([norm] + (function.map { [ReferenceActivation($0)] } ?? []))
    y = layers.forward(Matrix(m, c, x), training: true).values
    dx = layers.backward(Matrix(m, c, dy)).values
  }
}

/// A problem with numbers of its own, what the kernels make of it and what the reference does.
struct BatchNormProblem {
  let (m, c): (Int, Int)
  let x, dy, scale, shift: [Float]
  let call: BatchNormCall
  let reference: BatchNormReference

  init(_ m: Int, _ c: Int, epsilon: Double = 1e-5, x: [Float]? = nil, seed: Int = 5) {
    var numbers = Numbers(seed)
    let drawn = numbers.many(m * c)
    (self.m, self.c) = (m, c)
    self.x = x ?? drawn
    (dy, scale, shift) = (numbers.many(m * c), numbers.many(c), numbers.many(c))
    call = BatchNormCall(self.x, m, c, epsilon: epsilon, scale: scale, shift: shift, dy: dy)
    reference = BatchNormReference(self.x, m, c, epsilon: epsilon, scale: scale, shift: shift, dy: dy)
  }

  /// Σ over the rows of one feature.
  func sum(_ feature: Int, _ term: (Int) -> Double) -> Double {
    (0..<m).reduce(0) { $0 + term($1 * c + feature) }
  }

  func expectAgreement(_ what: String, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(call.bad == -1, sourceLocation: sourceLocation)
    expect(call.y, near: reference.y, "y, \(what)", sourceLocation: sourceLocation)
    expect(call.dx, near: reference.dx, "dx, \(what)", sourceLocation: sourceLocation)
    expect(call.dscale, near: reference.dscale!, "dγ, \(what)", sourceLocation: sourceLocation)
    expect(call.dshift, near: reference.dshift!, "dβ, \(what)", sourceLocation: sourceLocation)
  }
}
