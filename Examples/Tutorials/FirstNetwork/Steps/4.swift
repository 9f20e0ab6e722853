import Evenkeel

let digits = try Dataset.digits(training: 4_000, validation: 500, test: 1_000)
print("\(digits.training.count) digits of shape \(digits.training.shape)")

let network = Network(input: [784]) {
  Dense(128)
  BatchNorm()
  ReLU()
  Dense(10)
}
var model = try Model(network, seed: 1)
let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.001), batchSize: 100)
try trainer.fit(
  &model, to: digits.training, validation: digits.validation, epochs: 8,
  onEvent: { event in
    guard case .epoch(let record, _) = event else { return }
    print("epoch \(record.epoch): loss \(record.trainLoss), validation accuracy \(record.validationAccuracy!)")
  })

let quality = try model.evaluate(digits.test)
print("test accuracy \(quality.accuracy!)")

let probabilities = try model.predict(digits.test[7])
let best = probabilities.indices.max { probabilities[$0] < probabilities[$1] }!
print("A drawn 7 is read as \(best), with probability \(probabilities[best]).")
