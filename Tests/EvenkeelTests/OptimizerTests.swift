import Evenkeel
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

/// Runs a small network and its reference side by side over some steps on one batch.
private func expectRunToAgree(
  _ optimizer: ReferenceOptimizer, steps: Int = 5, clippingNorm: Double? = nil, schedule: Schedule = .constant,
  factor: (Int) -> Double = { _ in 1 }, _ what: String
) throws {
  let rows = 24
  var numbers = Numbers(1)
  var model = try Model(
    Network(input: [5]) {
      Dense(7, bias: .present)
      Tanh()
      Dense(6)
      BatchNorm()
      SiLU()
      Dense(3)
    }, seed: 3)
  for name in ["0.bias", "3.weight", "3.bias", "5.bias"] {
    let shape = model.parameters.first { $0.name == name }!.values.shape
    try model.setParameter(name, to: Tensor(numbers.many(shape.count).map { 1 + 0.5 * $0 }, shape: shape))
  }
  let inputs = numbers.many(rows * 5)
  let labels = (0..<rows).map { Int32($0 % 3) }
  let reference = try ReferenceNetwork(model)
  let roles = Dictionary(uniqueKeysWithValues: model.parameters.map { ($0.name, $0.role) })
  var optimizers: [String: ReferenceOptimizer] = [:]
  let data = try Dataset(inputs, shape: [5], targets: .classes(labels, labels: ["a", "b", "c"]))
  try Trainer(
    loss: .softmaxCrossEntropy, optimizer: optimizer.real, batchSize: rows, schedule: schedule,
    clippingNorm: clippingNorm
  ).fit(&model, to: data, epochs: steps)
  for step in 0..<steps {
    _ = reference.step(
      Matrix(rows, 5, model.scaling!.scaled(inputs)), .softmax(smoothing: 0),
      labels.flatMap { label in (0..<3).map { Int32($0) == label ? 1 : 0 } })
    var gradients = reference.gradients
    let norm = gradients.values.joined().reduce(0) { $0 + $1.value * $1.value }.squareRoot()
    if let clippingNorm, norm > clippingNorm {
      let spread = gradients.values.joined().reduce(0) { $0 + $1.value * $1.value * $1.variance } / (norm * norm)
      let scale = Bounded(
        clippingNorm / (norm + 1e-6), variance: clippingNorm * clippingNorm * spread / (norm * norm * norm * norm)
      ).rounded()
      gradients = gradients.mapValues { $0.map { $0 * scale } }
    }
    for (name, gradient) in gradients {
      var values = reference.parameters[name]!
      optimizers[name, default: optimizer].update(
        &values, gradient, factor: factor(step), decayed: roles[name] == .weight)
      reference.parameters[name] = values
    }
  }
  for (name, _, values) in model.parameters {
    expect(values.values, near: reference.parameters[name]!, "\(what): \(name)")
  }
}

@Test(arguments: kinds.map(\.0))
func aRunWithWeightDecayAgreesWithTheReferenceByRole(kind: ReferenceOptimizer.Kind) throws {
  for decay in [0, 0.3] {
    var optimizer = ReferenceOptimizer(kind, rate: 0.003, weightDecay: decay)
    // A large ε, or gradients near 0, all error and no size, would move parameters as far as others.
    optimizer.epsilon = 0.01
    try expectRunToAgree(optimizer, "\(kind), weight decay \(decay)")
  }
}

@Test func clippingScalesTheWholeGradientToTheNorm() throws {
  for norm in [0.05, 0.2, 100] {
    try expectRunToAgree(ReferenceOptimizer(.momentum, rate: 0.1), clippingNorm: norm, "clipped to \(norm)")
    // A large step shows every digit of the gradient.
    try expectRunToAgree(
      ReferenceOptimizer(.gradientDescent, rate: 1024), steps: 1, clippingNorm: norm, "one step clipped to \(norm)")
  }
}

@Test func warmUpAndScheduleMultiplyTheLearningRate() throws {
  let warmUp = [0.25, 0.5, 0.75, 1, 1]
  try expectRunToAgree(
    ReferenceOptimizer(.nesterov, rate: 0.1), schedule: .constant(warmUp: 4), factor: { warmUp[$0] }, "warm-up")
  try expectRunToAgree(
    ReferenceOptimizer(.adamW, rate: 0.01, weightDecay: 0.1), schedule: .step(every: 2, factor: 0.1, warmUp: 2),
    factor: { [0.5, 1, 0.1, 0.1, 0.01][$0] }, "steps with warm-up")
}
