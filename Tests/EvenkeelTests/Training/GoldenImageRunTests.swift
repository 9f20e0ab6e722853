import Evenkeel
import EvenkeelTestSupport
import Testing

/// A run of PyTorch: its losses, and then the probabilities of the first example by the running statistics.
private struct GoldenImageRun: Decodable {
  let losses, probabilities: [Double]

  private struct File: Decodable {
    let runs: [String: GoldenImageRun]
  }

  static let all = Fixture.json("image_runs.json", as: File.self).runs
}

/// Ten steps amplify float rounding by little; the numbers of both programs agree to four digits or the method differs.
@Test(arguments: ["lenet", "resnet20"])
func tenStepsOfAnImageNetworkEqualPyTorchs(name: String) throws {
  let preset = try Network(preset: name)
  var model = try Model(
    // PyTorch's convention for running averages.
    preset.mapLayers { layer, _ in layer is BatchNorm ? [BatchNorm(debiased: false)] : [layer] })
  var offset = 0
  for (name, role, values) in model.parameters where role == .weight {
    let count = values.shape.count
    let size = (6 / Float(count / values.shape.dimensions[0])).squareRoot()
    try model.setParameter(
      name, to: Tensor((0..<count).map { (2 * number(offset + $0) - 1) * size }, shape: values.shape))
    offset += count
  }
  let rows = 16
  let data = try Dataset(
    (0..<rows * preset.input.count).map { number($0 + 1_000_003) }, shape: preset.input,
    targets: .classes((0..<Int32(rows)).map { $0 % 10 }, labels: (0..<10).map { String($0) }))
  let trainer = Trainer(
    loss: .softmaxCrossEntropy, optimizer: .momentum(learningRate: 0.0005), batchSize: rows)
  let history = try trainer.fit(&model, to: data, epochs: 10)
  let golden = GoldenImageRun.all[name]!
  for (step, record) in history.epochs.enumerated() {
    #expect(abs(record.trainLoss - golden.losses[step]) < 1e-4 * golden.losses[step] + 1e-6, "step \(step)")
  }
  let probabilities = try model.predict(data[0])
  for (ours, theirs) in zip(probabilities, golden.probabilities) { #expect(abs(Double(ours) - theirs) < 1e-4) }
}
