import Evenkeel
import EvenkeelTestSupport
import FoundationEssentials
import Testing

/// `depth` nested blocks after a layer of their width.
private func nested(_ depth: Int, _ shortcut: Residual.Shortcut) -> Network {
  var layers: [any Layer] = [Dense(2), BatchNorm(), ReLU()]
  for _ in 0..<depth {
    let inner = layers
    layers = [Residual(shortcut: shortcut) { inner }]
  }
  return Network(input: [2], layers: [Dense(2)] + layers)
}

private func nestedText(_ depth: Int, _ shortcut: Residual.Shortcut) -> String {
  let (start, end) =
    shortcut == .identity ? ("{residual: [", "]}") : ("{residual: {shortcut: projection, block: [", "]}}")
  return "input: [2]\nlayers:\n- dense: 2\n- " + String(repeating: start, count: depth) + "dense: 2"
    + String(repeating: end, count: depth) + "\n"
}

@Test(arguments: [Residual.Shortcut.identity, .projection])
func everyDepthThatIsAcceptedIsStoredAndReadAgain(shortcut: Residual.Shortcut) throws {
  let model = try Model(nested(128, shortcut), seed: 3)
  try withTemporaryPath { path in
    try model.write(to: path)
    let read = try Model(contentsOf: path)
    #expect(read.network == model.network)
    #expect(try read.predict([0.25, -1]) == model.predict([0.25, -1]))
  }
  #expect(try Network(text: nestedText(128, shortcut), name: "net").outputShape() == [2])
}

@Test(arguments: [Residual.Shortcut.identity, .projection])
func blocksThatNestDeeperAreRefusedWhereverTheyAreDescribed(shortcut: Residual.Shortcut) throws {
  func expectError(_ depth: Int, _ start: String, _ body: () throws -> Void) {
    let error = #expect(throws: EvenkeelError.self, "\(depth)", performing: body)
    #expect(error?.code == .usage && error?.layer == "1", "\(error?.message.prefix(200) ?? "")")
    #expect(
      error?.message == start + "Layer 1: residual: the blocks in it nest deeper than 128, the most that can be stored."
    )
  }
  for depth in [129, 200] {
    expectError(depth, "") { _ = try Model(nested(depth, shortcut)) }
    expectError(depth, "") { _ = try nested(depth, shortcut).outputShape() }
  }
  for depth in [129, 200, 320] {
    expectError(depth, "net, line 4: ") { _ = try Network(text: nestedText(depth, shortcut), name: "net") }
  }
  let json = try JSONEncoder().encode(nested(140, shortcut))
  expectError(140, "") { _ = try JSONDecoder().decode(Network.self, from: json) }
}

/// Brackets inside strings are letters like others.
@Test func categoriesThatAreIntervalsAreStored() throws {
  let columns = 410
  let header = (0..<columns).map { "v\($0)" }.joined(separator: ",") + ",class\n"
  let rows = (0..<8).map { row in
    (0..<columns).map { "\"[\(10 * ((row + $0) % 3)), 9)\"" }.joined(separator: ",")
      + ",\(row % 2 == 0 ? "{" : "\\\"\"[")\n"
  }
  let text = header + rows.map { $0.replacing("\\\"\"[", with: "\"\\\"\"[\"") }.joined()
  let data = try withTemporaryPath(".csv", containing: text) { try Dataset.csv(at: $0).training }
  var model = try Model(Network(input: data.shape) { Dense(2) })
  try withTemporaryPath { path in
    try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 4).fit(
      &model, to: data, epochs: 1,
      onEvent: { if case .epoch(_, let checkpoint) = $0 { try checkpoint.write(to: path) } })
    #expect(try Checkpoint(contentsOf: path).steps > 0)
    try model.write(to: path)
    let read = try Model(contentsOf: path)
    #expect(read.encoding == model.encoding)
    #expect(try read.predict(data) == model.predict(data))
  }
}

@Test func aHeaderThatNestsIsRefusedBeforeItIsParsed() throws {
  let deep = String(repeating: "[", count: 100_000)
  for header in ["{\"a\":" + deep, "{\"__metadata__\":{\"evenkeel\":\"\(deep)\"}}"] {
    let bytes = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) } + Array(header.utf8)
    let error = #expect(throws: EvenkeelError.self) { try Model(Safetensors(FileBytes(bytes, name: "model"))) }
    #expect(error?.code == .data && error?.message.contains("nests too deeply") == true, "\(error?.message ?? "")")
  }
}

/// A layer whose description cannot be read.
private struct Misread: Layer {
  static let kind = "misread"
  init() {}
  init(from decoder: any Decoder) throws { throw EvenkeelError(.usage, "a layer that is always misread.") }
  func encode(to encoder: any Encoder) throws { _ = encoder.container(keyedBy: Key.self) }
  func makeOperation(for site: LayerSite) throws -> any LayerOperation { preconditionFailure("It is only described.") }
  private enum Key: CodingKey {}
}

@Test func whatCouldNotBeReadAgainIsNotWritten() throws {
  try withTemporaryPath { path in
    var model = try Model(Network(input: [2]) { Dense(1) })
    try model.write(to: path)
    let before = try FileBytes(path).copy
    func expectRefused(_ model: Model, _ part: String) throws {
      let error = #expect(throws: EvenkeelError.self) { try model.write(to: path) }
      #expect(error?.code == .data && error?.message.hasPrefix(path) == true, "\(error?.message ?? "")")
      #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
      #expect(try FileBytes(path).copy == before)
    }
    LayerRegistry.register(Misread.self)
    for value in [Float.nan, .infinity] {
      try model.setParameter("0.weight", to: Tensor([1, value], shape: [1, 2]))
      try expectRefused(model, "0.weight: value 1 is \(value)")
    }
    try expectRefused(Model(Network(input: [2], layers: [Misread()])), "a layer that is always misread")
  }
}

@Test func validationThatDoesNotFitIsFoundBeforeTheFirstStep() throws {
  func data(_ classes: [String]) throws -> Dataset {
    try Dataset(wave(16, 1, 1), shape: [2], targets: .classes((0..<8).map { Int32($0 % 2) }, labels: classes))
  }
  var model = try Model(Network(input: [2]) { Dense(2) })
  let error = #expect(throws: EvenkeelError.self) {
    try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 4).fit(
      &model, to: data(["a", "b"]), validation: data(["c", "d"]), epochs: 1,
      onEvent: { _ in Issue.record("a step was made") })
  }
  #expect(
    error?.code == .data && error?.message.contains("None of the 8 examples is of a class") == true,
    "\(error?.message ?? "")")
}
