import Evenkeel
import EvenkeelLab
import Foundation

/// The distribution of z of three units over 500 digits, and of what batch norm makes of it.
func values() throws -> Figure {
  let digits = try Dataset.digits(training: 500, test: 1).training
  let model = try Model(Network(input: [784]) { Dense(100, bias: .absent, initialization: .normal(0.15)) }, seed: 3)
  let weights = model.parameters[0].values
  let pixels: [[Double]] = (0..<digits.count).map { index in digits[index].map { Double($0) / 255 } }
  let columns = weights.shape.dimensions[1]
  let units: [[Double]] = (0..<100).map { unit in
    pixels.map { row -> Double in
      var sum = 0.0
      for column in 0..<columns { sum += Double(weights.values[unit * columns + column]) * row[column] }
      return sum
    }
  }
  // Units that lie apart: the lowest, the highest and one between.
  let order = units.indices.sorted { mean(units[$0]) < mean(units[$1]) }
  let chosen = [order[0], order[50], order[99]]
  let sides: [Side] = [.other(0), .other(1), .other(2)]
  var curves: [Curve] = []
  for (index, unit) in chosen.enumerated() {
    curves.append(Curve("z, unit \(index + 1)", side: sides[index], points: density(of: units[unit])))
  }
  let normalized: [Double] = chosen.flatMap { unit in
    let (center, spread) = (mean(units[unit]), deviation(units[unit]))
    return units[unit].map { ($0 - center) / spread }
  }
  curves.append(Curve("x̂, all three", side: .with, points: density(of: normalized)))
  return Figure("Before and after", caption: "", x: Axis("Value"), y: Axis("How often"), plot: .curves(curves))
}

/// The deviation that comes out of a norm over the variance that goes in: σ / √(σ² + ε).
func epsilon() -> Figure {
  let choices: [(epsilon: Double, name: String, side: Side)] = [
    (1e-3, "ε = 1e-3", .other(0)), (1e-5, "ε = 1e-5", .with), (1e-7, "ε = 1e-7", .other(1)),
  ]
  let exponents = stride(from: -9.0, through: 1, by: 0.125)
  let curves: [Curve] = choices.map { choice in
    let points: [Curve.Point] = exponents.map { exponent in
      let variance: Double = pow(10, exponent)
      return Curve.Point(variance, (variance / (variance + choice.epsilon)).squareRoot())
    }
    return Curve(choice.name, side: choice.side, points: points)
  }
  return Figure(
    "What ε does", caption: "", x: Axis("Variance σ² of the feature", scale: .logarithmic),
    y: Axis("Deviation that comes out"), plot: .curves(curves))
}

/// Exponentially weighted averages of batches' means, from 0 and debiased.
func average() -> Figure {
  var random = RandomNumbers(RandomKey(seed: 4))
  let (decay, steps) = (0.9, 60)
  let means = (0..<steps).map { _ -> Double in 2 + 0.25 * random.normal() }
  var (plain, weight) = (0.0, 0.0)
  var averages: [(plain: Double, debiased: Double)] = []
  for mean in means {
    plain = decay * plain + (1 - decay) * mean
    weight = decay * weight + (1 - decay)
    averages.append((plain, plain / weight))
  }
  func curve(_ name: String, _ side: Side, _ value: (Int) -> Double) -> Curve {
    Curve(name, side: side, points: (0..<steps).map { Curve.Point(Double($0 + 1), value($0)) })
  }
  return Figure(
    "Averages that begin at 0, and debiased ones", caption: "", x: Axis("Batches"), y: Axis("Mean of the feature"),
    plot: .curves([
      curve("means of batches", .other(0)) { means[$0] }, curve("from 0", .without) { averages[$0].plain },
      curve("debiased", .with) { averages[$0].debiased },
    ]))
}

private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

private func deviation(_ values: [Double]) -> Double {
  let center = mean(values)
  let squares: [Double] = values.map { ($0 - center) * ($0 - center) }
  return mean(squares).squareRoot()
}

/// The density of values, by a Gaussian kernel of Silverman's width.
private func density(of values: [Double]) -> [Curve.Point] {
  let (center, spread) = (mean(values), deviation(values))
  let count = Double(values.count)
  let width: Double = 1.06 * spread * pow(count, -0.2)
  let factor: Double = count * width * (2 * Double.pi).squareRoot()
  let places = stride(from: center - 4 * spread, through: center + 4 * spread, by: spread / 12)
  return places.map { place in
    var sum = 0.0
    for value in values {
      let distance = (place - value) / width
      sum += exp(-0.5 * distance * distance)
    }
    return Curve.Point(place, sum / factor)
  }
}
