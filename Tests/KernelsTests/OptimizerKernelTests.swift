import Evenkeel
import EvenkeelReference
import Kernels
import Testing

private let kinds: [(ReferenceOptimizer.Kind, ek_optimizer_kind)] = [
  (.gradientDescent, EK_GRADIENT_DESCENT), (.momentum, EK_MOMENTUM), (.nesterov, EK_NESTEROV), (.rmsProp, EK_RMSPROP),
  (.adam, EK_ADAM), (.adamW, EK_ADAMW), (.lion, EK_LION),
]

@Test(arguments: kinds.indices)
func stepsAgreeWithTheReferenceWhateverTheNumberOfParameters(index: Int) {
  let (kind, kernel) = kinds[index]
  for count in Array(1...35) + [100, 1 << 15 + 3] {
    // Weight decay ends somewhere inside a vector.
    let decayed = count * 2 / 3
    var numbers = Numbers(count)
    var p = numbers.many(count)
    var (first, second) = ([Float](repeating: 0, count: count), [Float](repeating: 0, count: count))
    var expected = p.map { Bounded($0) }
    var withDecay = ReferenceOptimizer(kind, rate: 0.05, weightDecay: 0.1)
    var without = withDecay
    for step in 1...4 {
      let g = numbers.many(count)
      let (decay1, decay2) = withDecay.decays
      var settings = ek_optimizer(
        kind: kernel, learning_rate: 0.05, momentum: 0.9, decay1: decay1, decay2: decay2, epsilon: 1e-8,
        correction1: 1 - power(decay1, step), correction2: 1 - power(decay2, step), weight_decay: 0.1,
        decayed: decayed, gradient_scale: 0.5)
      ek_optimizer_step(&settings, &p, g, &first, &second, count, 2)
      let halved = g.map { Bounded(0.5 * $0) }
      var (head, tail) = (Array(expected[..<decayed]), Array(expected[decayed...]))
      withDecay.update(&head, Array(halved[..<decayed]), decayed: true)
      without.update(&tail, Array(halved[decayed...]), decayed: false)
      expected = head + tail
      expect(p, near: expected, "\(kind), \(count) parameters, step \(step)")
    }
  }
}

private func power(_ base: Double, _ exponent: Int) -> Double { (0..<exponent).reduce(1) { value, _ in value * base } }
