import Evenkeel
import Glibc
import Testing

private func file(_ text: String, _ body: (String) throws -> Void) throws {
  let path = "/tmp/evenkeel-test-\(getpid())-\(UInt64.random(in: 0 ... .max)).csv"
  try Model.writeText(text, to: path)
  defer { unlink(path) }
  try body(path)
}

@Test(arguments: [
  ("a,b\n1,2\n3\n", "line 3: expected 2 cells, got 1"),
  ("a,a\n1,2\n", "\"a\" appears twice"),
  ("a,b\n", "no rows"),
  ("", "no rows"),
  ("a,b\n1,0\n2,1\nx,1\n3,0\n", "line 4, column a: expected a number, got \"x\""),
  ("a,b\n1,0\ninf,1\n", "line 3, column a: expected a finite number, got inf"),
  ("a,b\n1,0\n2,\n", "line 3: the target b is missing"),
  ("a,b\n1,\"0\n", "line 2: a quoted cell is not closed"),
])
func aDamagedTableIsNamedByLineAndColumn(text: String, sentence: String) throws {
  try file(text) { path in
    let error = #expect(throws: EvenkeelError.self) { try Dataset.csv(at: path) }
    #expect(error!.code == EvenkeelError.Code.data && error!.message.contains(sentence), "\(error!.message)")
  }
}

@Test func anUnknownTargetListsTheColumns() throws {
  try file("a,b\n1,0\n2,1\n") { path in
    let error = #expect(throws: EvenkeelError.self) { try Dataset.csv(at: path, target: "c") }
    #expect(error!.code == .usage && error!.message.contains("a, b"))
  }
}

@Test func missingNumbersBecomeTheMeanAndAnIndicatorAndTextBecomesCategories() throws {
  try file("n,t,y\n1,\"red, dark\",0.5\nNA,blue,1.5\n3,blue,2.25\n,\"red, dark\",0.25\n") { path in
    let training = try Dataset.csv(at: path).training
    #expect(training.encoding!.featureNames == ["n", "n missing", "t=blue", "t=red, dark"])
    #expect(training[0] == [1, 0, 0, 1])
    #expect(training[1] == [2, 1, 1, 0])
    #expect(training[3] == [2, 1, 0, 1])
    guard case .values(let values, _) = training.targets else {
      Issue.record("Numbers that are not whole are a regression.")
      return
    }
    #expect(values == [0.5, 1.5, 2.25, 0.25])
  }
}

@Test func aConstantColumnIsAWarningThatNamesIt() throws {
  try file("a,c,y\n1,5,x\n2,5,z\n3,5,x\n") { path in
    let splits = try Dataset.csv(at: path)
    #expect(splits.warnings.contains { $0.contains("column c is constant") })
  }
}

@Test func aMissingFileHasItsOwnExitCode() throws {
  try withEmptyFolder { folder in
    let error = #expect(throws: EvenkeelError.self) { try Dataset.read(folder + "/nowhere/at/all.csv") }
    #expect(error!.code == .noInput)
  }
}

@Test func outputThatCannotBeWrittenIsNamed() throws {
  try withEmptyFolder { folder in
    for path in [folder + "/nowhere/at/all", "/dev/full", folder] {
      let error = #expect(throws: EvenkeelError.self) {
        try Model.writeText(String(repeating: "x", count: 100), to: path)
      }
      #expect(error!.code == .cannotWrite && error!.message.contains(path))
    }
  }
}

/// 10,000 seeded mutations of `valid`, each handed to `read`, which may throw `EvenkeelError` and nothing else.
func fuzz(_ valid: [UInt8], _ read: ([UInt8]) throws -> Void) {
  var random = RandomNumbers(RandomKey(seed: 1))
  for _ in 0..<10_000 {
    var bytes = valid
    for _ in 0...random.integer(below: 4) where !bytes.isEmpty {
      switch random.integer(below: 4) {
      case 0: bytes[random.integer(below: bytes.count)] = UInt8(random.integer(below: 256))
      case 1: bytes.removeLast(random.integer(below: bytes.count))
      case 2: bytes[random.integer(below: min(16, bytes.count))] = UInt8(random.integer(below: 256))
      default:
        let from = random.integer(below: bytes.count)
        bytes.insert(contentsOf: bytes[from..<min(bytes.count, from + 9)], at: random.integer(below: bytes.count))
      }
    }
    do { try read(bytes) } catch { #expect(error is EvenkeelError) }
  }
}

@Test func damagedIDXFilesAreErrorsAndNothingElse() {
  let valid: [UInt8] = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 2] + (0..<12).map { UInt8($0) }
  fuzz(valid) { _ = try IDXFile(FileBytes($0, name: "images"), axes: 3) }
}

@Test func damagedGzipFilesAreErrorsAndNothingElse() {
  // gzip of "a,b\n1,2\n", made by gzip -n.
  let valid: [UInt8] = [
    0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b, 0xd4, 0x49, 0xe2, 0x32, 0xd4, 0x31, 0xe2, 2, 0, 0x7b, 0x07, 0x97, 0x0a, 8,
    0, 0, 0,
  ]
  fuzz(valid) { _ = try FileBytes($0, name: "table") }
}

@Test func damagedTablesAreErrorsAndNothingElse() {
  let valid = Array("name,\"a \"\"b\"\"\",y\r\nx,1.5,0\r\nz,NA,1\r\nx,3,0\r\n".utf8)
  fuzz(valid) {
    let table = try Table(FileBytes($0, name: "table"))
    let encoding = try TableEncoding(fittedTo: table, rows: Array(0..<table.rowCount), target: nil)
    var warnings: [String] = []
    _ = try encoding.dataset(table, rows: Array(0..<table.rowCount), hasTargets: true, warnings: &warnings)
  }
}

@Test func damagedModelFilesAndCheckpointsAreErrorsAndNothingElse() throws {
  var model = try Model(
    Network(input: [2]) {
      Dense(3)
      BatchNorm()
      ReLU()
      Dense(2)
    })
  let data = try Dataset(
    [1, 2, 3, 5, 8, 13], shape: [2], targets: .classes([0, 1, 0], labels: ["a", "b"]))
  try withTemporaryFile { path in
    try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 3).fit(
      &model, to: data, epochs: 1,
      onEvent: { if case .epoch(_, let checkpoint) = $0 { try checkpoint.write(to: path) } })
    let valid = try FileBytes(path).copy
    _ = try Checkpoint(Safetensors(FileBytes(valid, name: "checkpoint")))
    fuzz(valid) { _ = try Checkpoint(Safetensors(FileBytes($0, name: "checkpoint"))) }
    try model.write(to: path)
    let stored = try FileBytes(path).copy
    _ = try Model(Safetensors(FileBytes(stored, name: "model")))
    fuzz(stored) { _ = try Model(Safetensors(FileBytes($0, name: "model"))) }
  }
}

@Test func damagedNetworkFilesAreErrorsAndNothingElse() throws {
  let valid = """
    input: [6, 6, 2]
    layers:
      - convolution: {filters: 3, kernel: [3, 1], padding: same}
      - residual: &block
          - batchNorm: {decay: 0.9}
      - residual: {shortcut: projection, block: [{convolution: {filters: 4, kernel: 3, stride: 2}}]}
      - flatten
      - dense: 3
    """
  _ = try Network(text: valid, name: "net.yaml")
  fuzz(Array(valid.utf8)) { _ = try Network(text: String(decoding: $0, as: UTF8.self), name: "net.yaml") }
}

@Test(arguments: [("running_var", "running_vxr"), ("\"0.weight\"", "\"9.weight\"")])
func aMissingTensorIsNamed(from: String, to: String) throws {
  let model = try Model(
    Network(input: [2]) {
      Dense(3)
      BatchNorm()
    })
  let path = "/tmp/evenkeel-test-\(getpid())-\(UInt64.random(in: 0 ... .max)).safetensors"
  try model.write(to: path)
  defer { unlink(path) }
  let bytes = try FileBytes(path).copy
  let at = bytes.indices.first { bytes[$0...].starts(with: Array(from.utf8)) }!
  let changed = Array(bytes[..<at]) + Array(to.utf8) + Array(bytes[(at + from.utf8.count)...])
  let error = #expect(throws: EvenkeelError.self) { try Model(Safetensors(FileBytes(changed, name: "model"))) }
  #expect(error!.code == EvenkeelError.Code.data && error!.message.contains("missing"))
}

@Test func drawnDigitsFollowFromTheSeedAlone() throws {
  let few = try Dataset.digits(training: 30, test: 0, seed: 3).training
  let many = try Dataset.digits(training: 300, test: 10, seed: 3).training
  let other = try Dataset.digits(training: 30, test: 0, seed: 4).training
  for index in 0..<30 { #expect(few[index] == many[index]) }
  #expect(few[0] != other[0])
}

@Test func aNetworkFileDescribesTheSameNetwork() throws {
  let text = """
    input: [6]
    layers:
      - dense: {units: 8, initialization: he}
      - batchNorm: {epsilon: 1e-3, decay: cumulative, runningVariance: population, shift: false}
      - leakyRelu: {slope: 0.2}
      - residual:
          - dense: 8
          - batchNorm: {}
          - silu
      - dropout: 0.1
      - dense: 3
    """
  try file(text) { path in
    let read = try Network(contentsOf: path)
    let built = Network(input: [6]) {
      Dense(8, initialization: .he)
      BatchNorm(epsilon: 1e-3, averaging: .cumulative, runningVariance: .population, shift: false)
      LeakyReLU(slope: 0.2)
      Residual {
        Dense(8)
        BatchNorm()
        SiLU()
      }
      Dropout(0.1)
      Dense(3)
    }
    #expect(read == built)
  }
}

@Test(arguments: [
  ("input: [6]\nlayers: [relux]\n", ", line 2: Layer 0: \"relux\" is not a layer"),
  ("input: [6]\nlayers:\n  - dense: {units: 3, unit: 4}\n", ", line 3: Layer 0: dense: \"unit\" is not an option"),
  ("input: [6]\nlayers:\n  - relu\n  - dense: 0\n", ", line 4: Layer 1: dense: units is 0"),
  ("input: [2, 3]\nlayers:\n  - dense: 4\n", "[2, 3]"),
  ("input: [6]\nlayers:\n  - relu\n  - residual:\n      - tanh\n      - dense: {units: x}\n", ", line 6"),
  ("input: [6]\nlayers:\n  - residual:\n      - tanh\n      - dense: 3\n", ", line 3: Layer 0: residual: expected"),
  ("input: [6]\nlayers:\n  - residual:\n      - tanh\n      - dropout: 2\n", "line 5: Layer 0.block.1: dropout: rate"),
  ("input: [6]\nlayer: []\nlayers: [relu]\n", "\"layer\" is not a key"),
  ("layers: [relu]\n", "the key \"input\" is missing"),
  ("input: six\nlayers: [relu]\n", ", line 1"),
  ("input: [6\n", "not YAML"),
  ("", "empty"),
  ("input: [6]\nlayers:\n  - batchNorm: {epsilon: .nan}\n", ", line 3: Layer 0: batchNorm: epsilon is nan"),
  ("input: [6]\nlayers:\n  - dense: 6\n  - batchNorm: {runningVariance: biased}\n", "unbiased, population"),
  ("input: 6\nlayers:\n  - dense: 4611686018427387904\n", "too large"),
  ("input: [9223372036854775807]\nlayers: [relu]\n", "too large"),
  ("input: [3000000000, 3000000000, 1]\nlayers: [relu]\n", "too large"),
  (
    "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
      + (0..<8).map {
        "b\($0): &b\($0) [" + Array(repeating: $0 == 0 ? "*a" : "*b\($0 - 1)", count: 9).joined(separator: ", ") + "]\n"
      }.joined(), "more than 100,000 things"
  ),
])
func aWrongNetworkFileIsNamedByLayerOrKey(text: String, sentence: String) throws {
  try file(text) { path in
    let error = #expect(throws: EvenkeelError.self) { try Network(contentsOf: path) }
    #expect(error!.message.contains(sentence), "\(error!.message)")
  }
}
