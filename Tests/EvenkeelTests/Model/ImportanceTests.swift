import Evenkeel
import EvenkeelTestSupport
import Testing

/// Σ weights · x + bias, exactly what a linear network computes in the end: its weights undo the standardization.
private func linearModel(_ weights: [Double], bias: Double = 0, on data: Dataset) throws -> Model {
  var model = try Model(Network(input: [weights.count]) { Dense(1) }, seed: 1)
  try Trainer(loss: .meanSquaredError, optimizer: .gradientDescent(learningRate: 1e-6), threads: 1).fit(
    &model, to: data, epochs: 1)
  let (scaling, output) = (try #require(model.scaling), try #require(model.output))
  let (mean, deviation) = (output.targetMean[0], output.targetDeviation[0])
  let standardized = zip(weights, scaling.deviation).map { Float($0 * $1 / deviation) }
  let center = zip(weights, scaling.mean).reduce(bias - mean) { $0 + $1.0 * $1.1 }
  try model.setParameter("0.weight", to: Tensor(standardized, shape: [1, weights.count]))
  try model.setParameter("0.bias", to: Tensor([Float(center / deviation)], shape: [1]))
  return model
}

/// Rows of three independent numbers of different spread, and 3 a + b.
private func examples(_ count: Int, weights: [Float]? = nil) throws -> (data: Dataset, columns: [[Double]]) {
  var random = RandomNumbers(RandomKey(seed: 6))
  let rows = (0..<count).map { _ in [random.normal(), 2 * random.normal() + 5, random.uniform()] }
  let data = try Dataset(
    rows.joined().map { Float($0) }, shape: [3], targets: .values(rows.map { 3 * $0[0] + $0[1] }, names: ["y"]))
  return (try data.with(weights: weights), (0..<3).map { column in rows.map { $0[column] } })
}

private func variance(_ values: [Double], _ weights: [Double]? = nil) -> Double {
  let weights = weights ?? values.map { _ in 1 }
  let total = weights.reduce(0, +)
  let mean = zip(values, weights).reduce(0) { $0 + $1.0 * $1.1 } / total
  return zip(values, weights).reduce(0) { $0 + $1.1 * ($1.0 - mean) * ($1.0 - mean) } / total
}

extension ColumnImportance {
  /// The standard error of the mean.
  fileprivate var error: Double {
    (variance(drops) / Double(drops.count - 1)).squareRoot()
  }
}

/// What `importance.json` holds.
private struct Golden: Decodable {
  struct Case: Decodable {
    let metric: Metric
    let means, errors: [Double]
  }
  let rows: Int
  let coefficients: [Double]
  let intercept: Double
  let cases: [Case]
}

@Suite struct ImportanceTests {
  /// A value comes from each row with the same probability, so the squared error grows by E (β (x − x′))² = 2 β² Var x, and R² falls by
  /// that in units of Var y. The rows are more than one block.
  @Test func ofALinearModelItIsTwiceBetaSquaredTimesTheVariance() throws {
    let (data, columns) = try examples(100_000)
    let model = try linearModel([3, 1, 0], on: data)
    let found = try model.importance(on: data, repeats: 8, seed: 3)
    #expect(found.metric == .coefficientOfDetermination && found.count == 100_000)
    #expect(abs(found.value - 1) < 1e-6)
    #expect(found.columns.map(\.name) == ["feature 0", "feature 1", "feature 2"])
    let spread = variance(zip(columns[0], columns[1]).map { 3 * $0 + $1 })
    for (column, beta) in zip(found.columns, [3.0, 1, 0]) {
      let place = Int(column.name.suffix(1))!
      #expect(column.drops.count == 8)
      #expect(
        abs(column.mean - 2 * beta * beta * variance(columns[place]) / spread) <= 5 * column.error + 1e-6,
        "\(column.name)")
    }
    #expect(found.columns[2].drops == Array(repeating: 0, count: 8))
  }

  @Test(arguments: Fixture.json("importance.json", as: Golden.self).cases.indices)
  func itAgreesWithScikitLearnWithinTheErrorOfBoth(_ index: Int) throws {
    let golden = Fixture.json("importance.json", as: Golden.self)
    let (rows, expected) = (golden.rows, golden.cases[index])
    var (x, y): ([[Int]], [Double]) = ([], [])
    for row in 0..<rows {
      let square = row * row
      x.append((0..<3).map { column in (row * (17 + 14 * column) + square * (3 + column)) % (23 + 12 * column) })
      y.append(Double(3 * x[row][0] + x[row][1] + row * 19 % 13))
    }
    let data = try Dataset(x.joined().map { Float($0) }, shape: [3], targets: .values(y, names: ["y"]))
    let model = try linearModel(golden.coefficients, bias: golden.intercept, on: data)
    let found = try model.importance(on: data, metric: expected.metric, repeats: 400)
    for column in found.columns {
      let place = Int(column.name.suffix(1))!
      let error = (column.error * column.error + expected.errors[place] * expected.errors[place]).squareRoot()
      #expect(abs(column.mean - expected.means[place]) <= 4 * error + 1e-6, "\(expected.metric) \(column.name)")
    }
  }

  /// Rows of weight 0 are far away: they neither count nor give their values to others.
  @Test func rowsCountAndGiveByTheirWeights() throws {
    let weights = (0..<4_000).map { Float($0 * 7 % 5) / 2 }
    var random = RandomNumbers(RandomKey(seed: 9))
    let a: [Double] = weights.map { weight in weight == 0 ? 1e4 : random.normal() + Double(weight) }
    let data = try Dataset(a.map { Float($0) }, shape: [1], targets: .values(a, names: ["y"])).with(weights: weights)
    let model = try linearModel([1], on: data)
    let found = try model.importance(on: data, metric: .rootMeanSquaredError, repeats: 60)
    // The mean of the squares, as the root of a mean is not the mean of the roots.
    let errors = found.columns[0].drops.map { $0 + found.value }
    let squares: [Double] = errors.map { $0 * $0 }
    let mean = squares.reduce(0, +) / 60
    let error = (variance(squares) / 59).squareRoot()
    #expect(abs(mean - 2 * variance(a, weights.map { Double($0) })) <= 4 * error, "\(mean)")
    #expect(
      try model.importance(on: data, repeats: 3) != model.importance(on: data.withoutWeightsAndLengths, repeats: 3))
  }

  @Test func sameSeedSameNumbersOnAnyNumberOfThreads() throws {
    let (data, _) = try examples(500)
    let model = try linearModel([3, 1, 2], on: data)
    let alone = try model.importance(on: data, repeats: 5, seed: 7, threads: 1)
    for threads in [2, 5] { #expect(try model.importance(on: data, repeats: 5, seed: 7, threads: threads) == alone) }
    #expect(try model.importance(on: data, repeats: 5, seed: 8, threads: 1) != alone)
    // Each permutation stands for itself: more of them do not change the first ones.
    let more = try model.importance(on: data, repeats: 6, seed: 7)
    #expect(more.columns[0].drops.prefix(5) == alone.columns[0].drops[...])
  }

  /// A model that adds up a column's categories sees always 1, as long as they stay together.
  @Test func allFeaturesOfAColumnArePermutedTogether() throws {
    let text =
      "kind,when,x,y\n"
      + (0..<60).map { row in
        "\(["a", "b", "c"][row % 3]),2024-0\(1 + row % 9)-11,\(row % 5 == 0 ? "" : "\(row % 7)"),\(Double(row % 11) / 2)\n"
      }.joined()
    let data = try splits(ofTable: text, target: "y").training
    let encoding = try #require(data.encoding)
    let isKind = encoding.featureNames.map { $0.hasPrefix("kind=") }
    #expect(isKind.count { $0 } == 3 && isKind.count > 8)
    let model = try linearModel(isKind.map { $0 ? 1 : 0 }, on: data)
    let found = try model.importance(on: data, metric: .meanAbsoluteError, repeats: 4)
    #expect(Set(found.columns.map(\.name)) == ["kind", "when", "x"] && found.columns.count == 3)
    for column in found.columns { #expect(column.drops.allSatisfy { abs($0) < 1e-5 }, "\(column)") }
    let first = try linearModel(encoding.featureNames.map { $0 == "kind=a" ? 1 : 0 }, on: data)
    let alone = try first.importance(on: data, metric: .meanAbsoluteError, repeats: 4)
    #expect(alone.columns[0].drops.contains { abs($0) > 1e-3 })
  }

  @Test func aTargetBetweenTheColumnsOfAnArrayStaysWhereItIs() throws {
    let rows = (0..<64).map { row -> [Float] in
      let value = Float(row * 7 % 64)
      return [value, 3 * value + 0.5, Float(row * 5 % 64)]
    }
    let data = try numpy(npy([64, 3], floats: Array(rows.joined()))).parts(target: "1").training
    let model = try linearModel([3, 0], bias: 0.5, on: data)
    let found = try model.importance(on: data)
    #expect(found.columns.map(\.name) == ["0", "2"] && abs(found.value - 1) < 1e-6)
    #expect(abs(found.columns[0].mean - 2) <= 4 * found.columns[0].error)
    #expect(found.columns[1].drops.allSatisfy { $0 == 0 })
  }

  @Test func whatHasNoColumnsOrNoMetricIsRefused() throws {
    let (data, _) = try examples(20)
    let model = try linearModel([3, 1, 0], on: data)
    expectError("expected 1 to 10000", code: .usage) { _ = try model.importance(on: data, repeats: 0) }
    expectError("does not fit a target of values", code: .usage) { _ = try model.importance(on: data, metric: .f1) }
    expectError("needs at least 2") { _ = try model.importance(on: data.subset([3])) }
    let same = try Dataset([1, 2, 3, 4, 5, 6], shape: [3], targets: .values([2, 2], names: ["y"]))
    expectError("r2 is not defined") { _ = try model.importance(on: same) }
    let images = try Dataset(
      [Float](repeating: 1, count: 24), shape: [2, 2, 3], targets: .values([1, 2], names: ["y"]))
    expectError("of shape [2, 2, 3]", code: .usage) { _ = try model.importance(on: images) }
    expectError("not trained", code: .usage) {
      _ = try Model(Network(input: [3]) { Dense(1) }).importance(on: data)
    }
  }
}
