import Evenkeel
import Glibc
import Testing

private let optimizers: [(String, Optimizer, Double?)] = [
  ("gradientDescent", .gradientDescent(learningRate: 0.1), nil),
  ("gradientDescentDecayed", .gradientDescent(learningRate: 0.1, weightDecay: 0.05), nil),
  ("gradientDescentClipped", .gradientDescent(learningRate: 0.1), 0.2),
  ("momentum", .momentum(learningRate: 0.05), nil),
  ("nesterov", .nesterov(learningRate: 0.05), nil),
  ("rmsProp", .rmsProp(learningRate: 0.005), nil),
  ("adam", .adam(learningRate: 0.01), nil),
  ("adamW", .adamW(learningRate: 0.01, weightDecay: 0.1), nil),
  // Not PyTorch's, which has none: from its formula in the script that makes the numbers.
  ("lion", .lion(learningRate: 0.002, weightDecay: 0.1), nil),
]

/// Twenty steps amplify float rounding by little; the numbers of both programs agree to four digits or the method differs.
@Test(arguments: optimizers)
func twentyStepsEqualPyTorchs(name: String, optimizer: Optimizer, clip: Double?) throws {
  // PyTorch's convention: not debiased, decay 0.9.
  let norm = BatchNorm(debiased: false)
  var model = try Model(
    Network(input: [6]) {
      Dense(8)
      norm
      ReLU()
      Dense(7)
      norm
      Tanh()
      Dense(4)
    })
  try model.setParameter("0.weight", to: Tensor(wave(48, 1.3, 0.5), shape: [8, 6]))
  try model.setParameter("3.weight", to: Tensor(wave(56, 1.7, 0.5), shape: [7, 8]))
  try model.setParameter("6.weight", to: Tensor(wave(28, 1.9, 0.5), shape: [4, 7]))
  let data = try Dataset(
    wave(96, 0.7, 1), shape: [6], targets: .classes((0..<16).map { Int32($0 % 4) }, labels: ["0", "1", "2", "3"]))
  let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: optimizer, batchSize: 16, clippingNorm: clip)
  let history = try trainer.fit(&model, to: data, epochs: 20)
  let golden = goldenRuns[name]!
  for (step, record) in history.epochs.enumerated() {
    #expect(abs(record.trainLoss - golden[step]) < 1e-4 * golden[step], "step \(step)")
  }
  let statistics = model.runningStatistics[1].statistics
  for feature in 0..<3 {
    #expect(abs(Double(statistics.mean[feature]) - golden[20 + feature]) < 2e-4)
    #expect(abs(Double(statistics.variance[feature]) - golden[23 + feature]) < 2e-4 * golden[23 + feature])
  }
}
