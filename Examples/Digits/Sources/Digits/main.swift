// Trains on the folder `mnist` in the working directory.
import Evenkeel

let digits = try Dataset.idx(at: "mnist")
let network = Network(input: [784]) {
  Dense(256)
  BatchNorm()
  ReLU()
  Dense(10)
}
var model = try Model(network, seed: 1)
let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.001), batchSize: 128)
let history = try trainer.fit(&model, to: digits.training, validation: digits.validation, epochs: 5)
let quality = try model.evaluate(digits.test)
let oneDigit = digits.test[0]
let probabilities = try model.predict(oneDigit)  // one observation: running statistics
try model.write(to: "digits.safetensors")
print("\(history.epochs.count) epochs, test accuracy \(quality.accuracy ?? 0), first digit: \(probabilities)")
