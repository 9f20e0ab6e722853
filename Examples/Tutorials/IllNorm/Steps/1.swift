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
