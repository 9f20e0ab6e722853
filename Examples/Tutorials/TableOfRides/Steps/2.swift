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
