import Evenkeel
import EvenkeelTestSupport
import Glibc
import Testing

/// A model of two numbers, a text and a target.
private func model() throws -> Model {
  let table =
    "a,b,kind,y\n"
    + (0..<60).map { "\($0 % 7),\(Double($0) / 4),\(["u", "\"v, w\"", "x"][$0 % 3]),\($0 * $0 % 11).5\n" }.joined()
  return try withTemporaryPath(".csv", containing: table) { path in
    let splits = try Dataset.csv(at: path)
    var model = try Model(Network(input: splits.training.shape) { Dense(1) }, seed: 1)
    try Trainer(loss: .meanSquaredError, optimizer: .adam(), batchSize: 20, threads: 1).fit(
      &model, to: splits.training, epochs: 1)
    return model
  }
}

/// The rows of all parts with the kept texts, the number of parts, and the warnings.
private func parts(
  of path: String, by model: Model, targets: Bool = false, keeping kept: [String] = []
) throws -> (rows: [[Float]], kept: [String], count: Int, warnings: [String]) {
  guard
    case .parts(let parts) = try Dataset.openForUse(path, by: ModelEnsemble([model]), targets: targets, keeping: kept)
  else {
    Issue.record("\(path) does not come in parts")
    return ([], [], 0, [])
  }
  var (rows, texts, count) = ([[Float]](), [String](), 0)
  let warnings = try parts.forEach { part in
    ((0..<part.dataset.count).map { part.dataset[$0] }, part.kept)
  } then: {
    rows += $0.0
    texts += $0.1
    count += 1
  }
  return (rows, texts, count, warnings)
}

/// About three megabytes: quotes around separators, newlines and quotes, cells that begin with none, blank lines.
private func large(separator: String = ",", end: String = "\n", mark: String = "", quotes: Bool = true) -> String {
  var text = mark + ["id", "a", "b", "kind", "y"].joined(separator: separator) + end
  for row in 0..<60_000 {
    let id =
      quotes && row % 3 == 0
      ? "\"line \(row)\(end)\"\"more\"\"\(separator) \(row)\"" : "r\(row)\(quotes && row % 7 == 1 ? "\"" : "")"
    let kind = ["u", "\"v, w\"", "z"][row % 3]
    text += [id, "\(row % 9)", "-\(row).25", kind, row % 5 == 4 ? "" : "\(row)"].joined(separator: separator) + end
    if row % 1_000 == 5 { text += end }
  }
  return text
}

@Test(arguments: [
  large(), large(end: "\r\n"), large(separator: ";"), large(mark: "\u{FEFF}"), large(separator: "\t", quotes: false),
])
func aTableInPartsIsTheTable(text: String) throws {
  let model = try model()
  try withTemporaryPath(".csv", containing: text) { path in
    let whole = try Dataset.readForUse(path, by: model, targets: false)
    let found = try parts(of: path, by: model, keeping: ["id", "kind"])
    #expect(found.count > 2 && found.rows.count == 60_000)
    #expect(found.rows == (0..<whole.dataset.count).map { whole.dataset[$0] })
    #expect(found.warnings == whole.warnings && whole.warnings.count == 1)
    #expect(found.kept[2 * 58_000] == "r58000" && found.kept[2 * 58_000 + 1] == "v, w")
    // Rows without a target are left out, and said once.
    let (targets, all) = (
      try parts(of: path, by: model, targets: true), try Dataset.readForUse(path, by: model, targets: true)
    )
    #expect(targets.rows.count == 48_000 && targets.warnings == all.warnings)
    let quality = try model.evaluate(all.dataset)
    let ensemble = try ModelEnsemble([model])
    guard case .parts(let parts) = try Dataset.openForUse(path, by: ensemble, targets: true) else { return }
    let evaluated = try ensemble.evaluation(of: parts).evaluation
    #expect(evaluated.quality.count == 48_000 && abs(evaluated.quality.loss / quality.loss - 1) < 1e-6)
    let expected = try model.evaluation(of: all.dataset)
    for metric in Metric.allCases where !metric.isOfClasses {
      #expect(abs(evaluated.value(of: metric)! / expected.value(of: metric)! - 1) < 1e-5)
    }
  }
}

@Test func anErrorInALatePartNamesItsLine() throws {
  let model = try model()
  let good = (0..<80_000).map { "\($0),\($0 % 9),1,u\n" }.joined()
  for (row, sentence) in [
    ("1,seven,1,u\n", "line 80002, column a: expected a number, got \"seven\""),
    ("1,2\n", "line 80002: expected 4 cells, got 2"),
    ("1,\"2,1,u\n", "line 80002: a quoted cell is not closed"),
  ] {
    try withTemporaryPath(".csv", containing: "id,a,b,kind\n" + good + row) { path in
      expectError(sentence) { _ = try parts(of: path, by: model) }
    }
  }
}

@Test func aTableWithoutRowsOrWithoutAColumnIsAnError() throws {
  let model = try model()
  for (text, targets, sentence) in [
    ("a,b,kind\n", false, "there are no rows after the header"), ("", false, "there are no rows"),
    ("a,b,kind,y\n1,2,u,\n", true, "the target y is missing in every row"),
    ("a,kind\n1,u\n", false, "has no column \"b\""),
  ] {
    try withTemporaryPath(".csv", containing: text) { path in
      expectError(sentence) { _ = try parts(of: path, by: model, targets: targets) }
    }
  }
  try withTemporaryPath(".csv", containing: "a,b,kind\n1,2,u\n") { path in
    let found = try parts(of: path, by: model)
    #expect(found.rows.count == 1)
    expectError("has no column \"q\" to keep; it has a, b, kind.", code: .usage) {
      _ = try parts(of: path, by: model, keeping: ["q"])
    }
  }
}

/// The nearest double, as the system's own conversion gives it.
@Test func numbersOfATableAreTheNearestDoubles() throws {
  var random = RandomNumbers(RandomKey(seed: 7))
  var texts = ["0", "-0", "-0.0", "00012.50", "1.", "123456789012345", "0.000000000000001", "1234567890123456", "0.1"]
  for _ in 0..<20_000 {
    let digits = (0..<1 + random.integer(below: 17)).map { _ in "\(random.integer(below: 10))" }.joined()
    let point = random.integer(below: digits.count + 1)
    texts.append(
      (random.integer(below: 2) == 0 ? "-" : "") + digits.prefix(max(1, point)) + "." + digits.dropFirst(max(1, point)))
  }
  texts += ["1e3", "+5", "1.5.2", "-", "x"]
  let numbers = texts.dropLast(3)
  try withTemporaryPath(".csv", containing: "a\n" + numbers.joined(separator: "\n") + "\n") { path in
    let table = try Table(FileBytes(path))
    for (row, text) in numbers.enumerated() {
      let value = try table.number(row: row, column: 0)
      #expect(value?.bitPattern == Double(text)?.bitPattern, "\(text)")
    }
  }
  try withTemporaryPath(".csv", containing: "a\n" + texts.suffix(3).joined(separator: "\n") + "\n") { path in
    let table = try Table(FileBytes(path))
    for row in 0..<3 {
      let value = try table.number(row: row, column: 0)
      #expect(value == nil)
    }
  }
}

@Test func partsAreReadWithTheDecimalCommasAndMarkersOfTraining() throws {
  let rows = (0..<40).map { "\($0 % 7),5;\($0 % 5),25;\($0 * $0 % 11),5\n" }.joined()
  let model = try withTemporaryPath(".csv", containing: "a;b;y\n1,5;k.A.;2,5\n" + rows) { path in
    let splits = try Dataset.csv(at: path, options: TableOptions(missing: ["k.A."]))
    var model = try Model(Network(input: splits.training.shape) { Dense(1) }, seed: 1)
    try Trainer(loss: .meanSquaredError, optimizer: .adam(), batchSize: 20, threads: 1).fit(
      &model, to: splits.training, epochs: 1)
    return model
  }
  let text = "a;b;y\n" + (0..<20_000).map { "\($0),125;\($0 % 3 == 0 ? "k.A." : "2,25");1\n" }.joined()
  try withTemporaryPath(".csv", containing: text) { path in
    let found = try parts(of: path, by: model)
    #expect(found.count > 1)
    #expect(found.rows.count == 20_000)
    #expect(found.rows[19_999] == [19_999.125, 2.25, 0])
    #expect(found.rows[19_998][2] == 1)
    #expect(found.warnings == [])
  }
}
