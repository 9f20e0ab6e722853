import Evenkeel

let digits = try Dataset.digits(training: 4_000, test: 1_000)
var model = try Model(
  Network(input: [784]) {
    for _ in 0..<2 {
      Dense(100)
      BatchNorm()
      ReLU()
    }
    Dense(10)
  }, seed: 1)
let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 100)
try trainer.fit(&model, to: digits.training, epochs: 4)
print("as trained: accuracy \(try model.evaluate(digits.test).accuracy!)")

// The same digits in other light: 30 % of the contrast, on gray.
let pixels = (0..<digits.test.count).flatMap { digits.test[$0].map { 90 + 0.3 * $0 } }
let otherLight = try Dataset(pixels, shape: [28, 28], targets: digits.test.targets)
print("in other light: accuracy \(try model.evaluate(otherLight).accuracy!)")

let diagnosis = try model.diagnose(on: otherLight)
for finding in diagnosis.findings where finding.kind == .statisticsDisagree {
  print("layer \(finding.layer): \(finding.cause) \(finding.remedy)")
}
