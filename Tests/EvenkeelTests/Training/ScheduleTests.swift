import Evenkeel
import EvenkeelTestSupport
import Testing

/// The factors that a run of one step an epoch was made with.
///
/// A single bias far below its targets has Huber's constant gradient, so each step moves it by rate · factor · delta.
private func factors(_ schedule: Schedule, epochs: Int, batches: Int = 1) throws -> [Double] {
  let (delta, rate) = (0x1p-10, 0x1p5)
  var model = try Model(Network(input: [1]) { Dense(1) })
  try model.setParameter("0.bias", to: Tensor([-2], shape: [1]))
  try model.setParameter("0.weight", to: Tensor([0], shape: [1, 1]))
  // Inputs of no deviation are scaled to 0, and targets of no deviation to their distance from their mean, 0.
  let data = try Dataset(
    [Float](repeating: 1, count: 2 * batches), shape: [1],
    targets: .values([Double](repeating: 3, count: 2 * batches), names: ["t"]))
  var bias = -2.0
  var factors: [Double] = []
  try Trainer(
    loss: .huber(delta: delta), optimizer: .gradientDescent(learningRate: rate), batchSize: 2, schedule: schedule
  ).fit(
    &model, to: data, epochs: epochs,
    onEvent: { event in
      guard case .epoch(_, let checkpoint) = event else { return }
      let now = Double(checkpoint.model.parameters[1].values.values[0])
      #expect(now < -1, "the gradient must stay constant")
      factors.append((now - bias) / (rate * delta) / Double(batches))
      bias = now
    })
  return factors
}

/// A bias of size 2 is kept to 2⁻²³, which steps of 2⁻⁵ enlarge.
private let bound = 0x1p-17

@Test(arguments: [
  ("step", Schedule.step(every: 3, factor: 0.1)), ("exponential", .exponential(factor: 0.9)), ("cosine", .cosine()),
])
func theFactorOfEachStepIsPyTorchs(name: String, schedule: Schedule) throws {
  let found = try factors(schedule, epochs: 20)
  for (index, expected) in OtherPrograms.all.schedules[name]!.enumerated() {
    #expect(abs(found[index] - expected) <= bound, "step \(index)")
  }
}

/// PyTorch's one-cycle reaches its top one step before 30 % and its bottom in the last step; here the top is reached at 30 %
/// and the bottom would follow the last step. Falling, the two are the same curve one step apart; rising, the longer way
/// makes every step a little lower. PyTorch moves the momentum against the rate, which is not done here.
@Test func oneCycleIsPyTorchsOneStepLater() throws {
  let found = try factors(.oneCycle(), epochs: 20)
  let golden = OtherPrograms.all.schedules["oneCycle"]!
  #expect(abs(found[0] - golden[0]) <= bound)
  for step in 1..<5 { #expect(found[step] < golden[step] && found[step] > golden[step - 1]) }
  for step in 6..<20 { #expect(abs(found[step] - golden[step - 1]) <= bound, "step \(step)") }
}

@Test func stepAndExponentialChangeWithTheEpochAndCosineWithTheStep() throws {
  for (found, expected) in zip(try factors(.exponential(factor: 0.5), epochs: 4, batches: 3), [1, 0.5, 0.25, 0.125]) {
    #expect(abs(found - expected) <= bound)
  }
  for (found, expected) in zip(try factors(.step(every: 2, factor: 0.5), epochs: 4, batches: 3), [1, 1, 0.5, 0.5]) {
    #expect(abs(found - expected) <= bound)
  }
  // Twelve steps in four epochs: each epoch's factor is the mean of three.
  let steps = OtherPrograms.all.schedules["cosine"]!
  let long = try factors(.cosine(), epochs: 4, batches: 5)
  for epoch in 0..<4 {
    #expect(abs(long[epoch] - steps[5 * epoch..<5 * (epoch + 1)].reduce(0, +) / 5) <= bound)
  }
}

@Test func warmUpRisesEvenlyAndThenTheScheduleRules() throws {
  let found = try factors(.cosine(warmUp: 4), epochs: 20)
  for (index, expected) in OtherPrograms.all.schedules["cosine"]!.enumerated() {
    #expect(abs(found[index] - min(1, Double(index + 1) / 4) * expected) <= bound, "step \(index)")
  }
}
