import Evenkeel
import Foundation

// Rides on a bicycle lane: more at rush hour, when it is warm, and when it is dry.
var random = RandomNumbers(RandomKey(seed: 1))
var lines = ["hour,weather,temperature,rides"]
for _ in 0..<2_000 {
  let hour = random.integer(below: 24)
  let weather = ["sun", "clouds", "rain"][random.integer(below: 3)]
  let temperature = random.uniform(-5, 30).rounded()
  let mood = max(0, 1 - abs(temperature - 20) / 25) * (weather == "rain" ? 0.3 : 1)
  let rides = ([7, 8, 17, 18].contains(hour) ? 300 : 80) * (0.4 + mood) + 10 * random.normal()
  lines.append("\(hour),\(weather),\(temperature),\(Int(rides.rounded()))")
}
try lines.joined(separator: "\n").write(toFile: "rides.csv", atomically: true, encoding: .utf8)

let rides = try Dataset.csv(at: "rides.csv", target: "rides", validation: 0.15, test: 0.2)
print("\(rides.training.count) rows with the features \(rides.training.encoding!.featureNames)")

let recipe = TableRecipe(rows: rides.training.count, features: rides.training.shape.featureCount)
let network = try recipe.network(for: rides.training, outputs: 1)
let trainer = Trainer(
  loss: .meanSquaredError, optimizer: .adamW(learningRate: recipe.learningRate, weightDecay: recipe.weightDecay),
  batchSize: recipe.batchSize, schedule: .cosine(), patience: recipe.patience, numbers: recipe.numbers)
var model = try Model(network, seed: 1)
try trainer.fit(&model, to: rides.training, validation: rides.validation, epochs: recipe.epochs)

let error = try model.evaluate(rides.test).rootMeanSquaredError!
let guess = Guess(from: rides.training, on: rides.test)!
print("RMSE \(error) rides; always the mean: \(guess.rootMeanSquaredError!)")

for column in try model.importance(on: rides.test).columns { print("\(column.name): R² falls by \(column.mean)") }
try model.write(to: "rides.safetensors")
