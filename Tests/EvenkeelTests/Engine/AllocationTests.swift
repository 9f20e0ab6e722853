import AllocationCounter
import Evenkeel
import EvenkeelReference
import Testing

@Test(arguments: [false, true])
func aSteadyTrainingStepAllocatesNothing(isWeighted: Bool) throws {
  let norm = isWeighted ? BatchNorm(ghostBatch: 16, renormalization: Renormalization()) : BatchNorm()
  let network = Network(input: [48]) {
    Dense(200)
    norm
    ReLU()
    Residual {
      Dense(200)
      norm
      GELU()
    }
    GroupNorm(groups: 4)
    Dropout(0.1)
    RMSNorm()
    Dense(130)
    Sigmoid()
    BatchNorm()
    Dense(10)
  }
  var random = RandomNumbers(RandomKey(seed: 1))
  let count = 64 * 30
  let plain = try Dataset(
    (0..<count * 48).map { _ in Float(random.normal()) }, shape: [48],
    targets: .classes((0..<count).map { Int32($0 % 10) }, labels: (0..<10).map { String($0) }))
  let data = isWeighted ? try plain.with(weights: (0..<count).map { Float($0 % 3) }) : plain
  for optimizer in [Optimizer.momentum(learningRate: 0.01), .adam(), .rmsProp(learningRate: 0.001)] {
    var model = try Model(network, seed: 1)
    let trainer = Trainer(
      loss: .softmaxCrossEntropy, optimizer: optimizer, batchSize: 64, schedule: .cosine(warmUp: 5), clippingNorm: 1)
    var counts = [Int](repeating: 0, count: 30)
    try trainer.fit(
      &model, to: data, epochs: 1,
      onEvent: { if case .step(_, let batch, _, _, _, _) = $0 { counts[batch - 1] = ek_test_allocations() } })
    let perStep = zip(counts.dropFirst(), counts).map { $0 - $1 }
    // Each number of rows is multiplied by functions of its own, made on first use.
    #expect(perStep.dropFirst(3).allSatisfy { $0 == 0 }, "\(perStep)")
  }
}

/// oneDNN takes five pieces of memory for the operands of a call and gives them back, some of its kernels (AMX) a sixth. Here are 31
/// calls: for each of four slices the convolution's forward and its weights' gradient, and of each dense layer forward and the gradient of
/// the input; then the gradients of weights, and seven reorders. A piece of ours for every example would exceed that.
@Test(.enabled(if: Precision.bfloat16.isAvailable, "the processor has no bfloat16"))
func aSteadyTrainingStepInBFloat16AllocatesNothingBesideOneDNNsOperands() throws {
  let network = Network(input: [8, 8, 3]) {
    Convolution(16, kernel: 3)
    BatchNorm()
    ReLU()
    Flatten()
    Dense(40)
    BatchNorm()
    ReLU()
    Dense(10)
  }
  var numbers = Numbers(5)
  let count = 32 * 20
  let data = try Dataset(
    numbers.many(count * 192), shape: [8, 8, 3],
    targets: .classes((0..<count).map { Int32($0 % 10) }, labels: (0..<10).map { String($0) }))
  var model = try Model(network, seed: 1)
  var counts = [Int](repeating: 0, count: 20)
  let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 32, precision: .bfloat16, threads: 1)
  try trainer.fit(
    &model, to: data, epochs: 1,
    onEvent: { if case .step(_, let batch, _, _, _, _) = $0 { counts[batch - 1] = ek_test_allocations() } })
  let perStep = zip(counts.dropFirst(), counts).map { $0 - $1 }
  #expect(perStep.dropFirst(3).allSatisfy { $0 == perStep.last! && $0 <= 6 * 31 }, "\(perStep)")
}
