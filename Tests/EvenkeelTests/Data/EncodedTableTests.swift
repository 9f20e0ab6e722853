import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import Glibc
import Testing

/// 400 rows of numbers, some of them missing, of categories and dates, with weights and three targets.
private let table: String = {
  var random = RandomNumbers(RandomKey(seed: 11))
  return "id,a,b,kind,when,w,class,value\n"
    + (0..<400).map { row in
      let (a, b) = (random.normal(), random.normal())
      let kind = ["north", "south", "\"east, or west\""][random.integer(below: 3)]
      let when = "2024-0\(1 + random.integer(below: 9))-1\(random.integer(below: 10))"
      return "n\(row),\(a),\(row % 9 == 4 ? "" : "\(b)"),\(kind),\(when),\(1 + row % 3),"
        + "\(row % 50 == 7 ? "" : a > b ? "high" : "low"),\(1_700_000_000 + row * 86_400 + (a > 0 ? 1 : 0))\n"
    }.joined()
}()

private struct Case: Sendable {
  var target: String?
  var weight: String?
  var ignored: [String] = []
}

private let cases = [
  Case(target: "class", weight: "w", ignored: ["value"]),
  Case(target: "value", ignored: ["class", "w"]),
  Case(target: "class", ignored: ["b", "kind", "when", "w", "value"]),
]

private func inMemory(_ path: String, _ one: Case, memory: Int? = nil) throws -> DatasetSplits {
  try Dataset.csv(
    FileBytes(path), target: one.target, weight: one.weight, ignoring: one.ignored, validation: 0.1, test: 0.2,
    seed: 5, memory: memory)
}

private func encoded(_ path: String, _ output: String, _ one: Case) throws -> DatasetSplits {
  _ = try Dataset.encode(
    path, to: output, target: one.target, weight: one.weight, ignoring: one.ignored, validation: 0.1, test: 0.2,
    seed: 5)
  return try Dataset.read(output)
}

private func expectSame(_ one: DatasetSplits, _ other: DatasetSplits) {
  #expect(one.targetReason == other.targetReason)
  for (one, other) in [
    (one.training, other.training), (one.validation, other.validation), (one.test, other.test),
  ] {
    #expect(one.count > 0 && one.encoding == other.encoding && one.weights == other.weights)
    #expect(classes(one) == classes(other) && values(one) == values(other))
    #expect(rows(one) == rows(other) && one.fingerprint == other.fingerprint)
  }
}

private let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 32, seed: 2, threads: 1)

private func trained(on splits: DatasetSplits) throws -> [Float] {
  var model = try Model(
    Network(input: splits.training.shape) {
      Dense(8)
      BatchNorm()
      ReLU()
      Dense(2)
    }, seed: 1)
  try trainer.fit(&model, to: splits.training, validation: splits.validation, epochs: 3)
  return try (0..<splits.test.count).flatMap { try model.predict(splits.test[$0]) }
}

@Test(arguments: cases.indices)
func anEncodedTableHoldsWhatTheTableGivesInMemory(index: Int) throws {
  try withTemporaryPath(".csv", containing: table) { path in
    try withTemporaryPath(".ekdata") { output in
      let (whole, again) = (try inMemory(path, cases[index]), try encoded(path, output, cases[index]))
      expectSame(whole, again)
      #expect(whole.warnings == again.warnings)
    }
  }
}

@Test(arguments: cases.indices)
func aTableWithMoreFeaturesThanHalfOfMemoryLiesInATemporaryFileAndIsTheSame(index: Int) throws {
  try withTemporaryFolder { folder in
    let path = folder + "/t.csv"
    writeBytes(Array(table.utf8), to: path)
    let (whole, spilled) = (try inMemory(path, cases[index]), try inMemory(path, cases[index], memory: 2000))
    expectSame(whole, spilled)
    #expect(Array(spilled.warnings.dropFirst()) == whole.warnings)
    #expect(
      spilled.warnings[0].hasPrefix("\(path): its ")
        && spilled.warnings[0].hasSuffix(
          "more than half of the 2.0 kB of memory that is free; they are kept in a temporary file.")
    )
    var found: [String] = []
    let stream = try #require(opendir(folder))
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      found.append(
        withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        })
    }
    #expect(found.sorted() == [".", "..", "t.csv"])
  }
}

@Test func trainingOnAnEncodedTableEqualsTrainingOnTheTable() throws {
  try withTemporaryPath(".csv", containing: table) { path in
    try withTemporaryPath(".ekdata") { output in
      let expected = try trained(on: inMemory(path, cases[0]))
      #expect(try trained(on: encoded(path, output, cases[0])) == expected)
      #expect(try trained(on: inMemory(path, cases[0], memory: 1_000_000)) == expected)
    }
  }
}

@Test func aTableThatChangedSinceItWasEncodedIsNoticedAndOneThatIsGoneIsNot() throws {
  try withTemporaryFolder { folder in
    let (path, output) = (folder + "/t.csv", folder + "/t.ekdata")
    writeBytes(Array(table.utf8), to: path)
    let before = try encoded(path, output, cases[0])
    writeBytes(Array((table + table.split(separator: "\n").last! + "\n").utf8), to: path)
    let error = #expect(throws: EvenkeelError.self) { try Dataset.read(output) }
    #expect(error?.code == .data)
    #expect(error?.message == "\(output) was made of \(path), which has changed since; encode it again.")
    unlink(path)
    expectSame(try Dataset.read(output), before)
  }
}

@Test func anEncodedTableTakesNoOptionsThatEncodeTook() throws {
  try withTemporaryPath(".csv", containing: table) { path in
    try withTemporaryPath(".ekdata") { output in
      _ = try encoded(path, output, cases[0])
      let attempts: [() throws -> DatasetSplits] = [
        { try Dataset.read(output, target: "a") }, { try Dataset.read(output, ignoring: ["a"]) },
        { try Dataset.read(output, options: TableOptions(decimal: .comma)) },
        { try Dataset.read(output, validation: .share(0.5)) },
      ]
      for attempt in attempts {
        let error = #expect(throws: EvenkeelError.self) { try attempt() }
        #expect(error?.code == .usage && error?.message.contains("were chosen by encode") == true)
      }
      // Other data for the test is read as the model will read it.
      let other = try Dataset.read(output, test: .data(path))
      #expect(other.test.count == 392 && other.validation.count > 0)
    }
  }
}

@Test func aDamagedEncodedTableIsAnErrorAndNoCrash() throws {
  let bytes = try withTemporaryPath(".csv", containing: table) { path in
    try withTemporaryPath(".ekdata") { output in
      _ = try Dataset.encode(path, to: output, target: "class", weight: "w", ignoring: ["value", "id"], test: 0)
      unlink(path)
      return try FileBytes(output).copy
    }
  }
  func read(_ bytes: [UInt8]) throws -> Dataset {
    try withTemporaryPath(".ekdata", containing: bytes) { try Dataset.read($0).training }
  }
  #expect(try read(bytes).count == 392)
  for count in [16, 4095, 4096, 5000, bytes.count - 1] {
    let error = #expect(throws: EvenkeelError.self) { try read(Array(bytes.prefix(count))) }
    #expect(error?.code == .data && error?.message.hasSuffix("damaged or not whole; encode it again.") == true)
  }
  // The description is at the end; in the features any number may be right.
  var random = RandomNumbers(RandomKey(seed: 3))
  for _ in 0..<300 {
    var damaged = bytes
    for _ in 0...random.integer(below: 3) { damaged[damaged.count - 1 - random.integer(below: 2000)] ^= 1 << 4 }
    damaged[8 + random.integer(below: 8)] ^= UInt8(random.integer(below: 3))
    do { _ = try read(damaged) } catch { #expect(error is EvenkeelError) }
  }
}

@Test func onlyTablesAreEncoded() throws {
  try withTemporaryPath(".ekdata") { output in
    for data in ["digits", "/"] {
      let error = #expect(throws: EvenkeelError.self) { try Dataset.encode(data, to: output) }
      #expect(error?.code == .usage && access(output, F_OK) != 0)
    }
    let error = #expect(throws: EvenkeelError.self) { try Dataset.encode(output, to: output) }
    #expect(error?.code == .noInput)
  }
}
