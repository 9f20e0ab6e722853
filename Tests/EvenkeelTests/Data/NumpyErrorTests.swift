import Evenkeel
import EvenkeelTestSupport
import Testing

@Test(arguments: [
  ("scalar.npy", "a single number"), ("text.npy", "'<U1', text"), ("bytes.npy", "'|S1', text"),
  ("complex.npy", "'<c16', complex numbers"), ("times.npy", "'<M8[s]', times"),
  ("records.npy", "the items are records"),
  ("objects.npy", "'|O', Python objects"), ("empty.npy", "the array is empty, its shape [0, 3]"),
  ("no_columns.npy", "the array is empty, its shape [3, 0]"),
])
func anArrayOfNoNumbersIsRefusedByName(fixture: String, sentence: String) {
  expectError("a.npy") { _ = try numpy(Fixture.bytes("numpy/\(fixture)")) }
  expectError(sentence) { _ = try numpy(Fixture.bytes("numpy/\(fixture)")) }
}

@Test(arguments: [
  (
    "'<f4', 'fortran_order': False, 'shape': (2, 3)",
    "promises 24 bytes of items, the shape [2, 3] of 4 bytes each; the file holds 8"
  ),
  ("'<f4', 'fortran_order': False, 'shape': (1,)", "promises 4 bytes of items"),
  (
    "'<f4', 'fortran_order': False, 'shape': (-1, 2)",
    "expected the length of an axis, 0 or more in the header, got \"-1, 2)}\""
  ),
  ("'<f4', 'fortran_order': False, 'shape': (2147483648, 1)", "promises 2147483648 examples; expected fewer than 2^31"),
  ("'<f4', 'fortran_order': False, 'shape': (5, 4294967296, 4294967296)", "more items than can be counted"),
  ("'<f8', 'fortran_order': False, 'shape': (1, 2305843009213693952)", "more items than can be counted"),
  ("'<f4', 'fortran_order': False, 'shape': (99999999999999999999, 1)", "an axis is 99999999999999999999 long"),
  ("'<f4', 'fortran_order': False, 'shape': (2)", "byte 62: expected \",\" in the header, got \")}\""),
  ("'<f4', 'fortran_order': False, 'shape': 2", "expected \"(\" in the header"),
  ("'<f4', 'fortran_order': False", "the header has no shape"),
  ("'<f4', 'shape': (2,)", "the header has no fortran_order"),
  ("'<f4', 'fortran_order': 0, 'shape': (2,)", "expected True or False"),
  (
    "'<f4', 'descr': '<f4'",
    "byte 27: the header has the key \"descr\"; expected descr, fortran_order and shape, each once"
  ),
  ("'<f4', 'order': 'C'", "the key \"order\""),
  ("'<f4', 'fortran_order': False, 'shape': (2,), 'a", "expected a text in quotes"),
  ("'<f16', 'fortran_order': False, 'shape': (2,)", "descr is '<f16'"),
  ("('<f4', (2,)), 'fortran_order': False, 'shape': (1,)", "the items are themselves arrays"),
  ("'<f4', 'fortran_order': False, 'shape': (2,)} x", "expected blanks to the end of the header"),
])
func aWrongHeaderIsNamedByByteOrKey(dictionary: String, sentence: String) {
  expectError(sentence) {
    _ = try numpy(npy("{'descr': " + dictionary + "}", [0, 0, 0, 0, 0, 0, 0, 0]))
  }
}

@Test func aFileThatIsCutOffOrNoNPYFileIsNamed() {
  let file = Fixture.bytes("numpy/table.npy")
  expectError("the file holds 189") { _ = try numpy(Array(file.dropLast(3))) }
  expectError("the header is said to have 118 bytes; the file holds 90 after its first 10") {
    _ = try numpy(Array(file.prefix(100)))
  }
  expectError("expected an NPY header, which starts with byte 147 and NUMPY, got 0 bytes") { _ = try numpy([]) }
  expectError("got the bytes 97 44 98 10 49 44") { _ = try numpy(Array("a,b\n1,2\n3,4\n".utf8)) }
  var version = file
  version[6] = 4
  expectError("expected version 1.0, 2.0 or 3.0 of the NPY format, got 4.0") { _ = try numpy(version) }
  expectError("is said to have 70000 bytes; expected at most 65535") {
    _ = try numpy(npy("{" + String(repeating: " ", count: 69_998), version: 2))
  }
}

@Test func aTableWithoutTheTargetIsNamed() throws {
  let table = try numpy(Fixture.bytes("numpy/table.npy"))
  expectError("a.npy has no column 3 to predict; expected 0 to 2", code: .usage) { _ = try table.parts(target: "3") }
  expectError("a.npy has no column \"y\" to predict; expected the number", code: .usage) {
    _ = try table.parts(target: "y")
  }
  expectError("expected an array of two axes") { _ = try numpy(Fixture.bytes("numpy/cube.npy")).parts() }
  expectError("no column besides the target") { _ = try numpy(npy([2, 1], floats: [1, 2])).parts() }
  expectError("the target of example 1 is nan") { _ = try numpy(npy([2, 2], floats: [1, 0.5, 2, .nan])).parts() }
}

@Test func targetsThatDoNotFitTheInputsAreNamed() {
  let x = npy([3, 2], floats: [0, 1, 2, 3, 4, 5])
  func expect(_ sentence: String, _ y: [UInt8]) {
    expectError(sentence) { _ = try numpy(npz(["x": x, "y": y]), name: "a.npz").parts() }
  }
  expect("a.npz, array y: expected 3 targets, one per example of a.npz, array x, got 2", npy([2], integers: [0, 1]))
  expect("a.npz, array y: the label of example 1 is -1; expected a class from 0", npy([3], integers: [0, -1, 1]))
  expect("the label of example 2 is 352100; expected a class from 0 to 65535", npy([3], integers: [0, 1, 352_100]))
  expect("the label of example 0 is 9.22", npy([3], integers: [.max, 1, 0]))
  expect("expected targets of the shape [3] or [3, k], got [3, 1, 1]", npy([3, 1, 1], integers: [0, 1, 2]))
  expect("the target of example 1 is inf; expected a finite number", npy([3], floats: [0, .infinity, 1]))
}

@Test func partsThatDoNotFitTheTrainingPartAreNamed() {
  func expect(_ sentence: String, _ x: [UInt8], _ y: [UInt8]) {
    expectError(sentence) {
      _ = try numpy(
        npz([
          "x_train": npy([2, 2], floats: [0, 1, 2, 3]), "y_train": npy([2], integers: [0, 1]), "x_test": x,
          "y_test": y,
        ]), name: "a.npz"
      ).parts()
    }
  }
  expect(
    "array x_test: expected examples of shape [2] as in training, got [1]", npy([1, 1], floats: [0]),
    npy([1], integers: [0]))
  expect(
    "array y_test: the label of example 0 is -1; expected a class from 0 to 65535.",
    npy([1, 2], floats: [0, 1]), npy([1], integers: [-1]))
  expect("array y_test: the label of example 0 is 0.5", npy([1, 2], floats: [0, 1]), npy([1], floats: [0.5]))
}

@Test func unknownNamesListWhatIsThereAndWhatWasExpected() throws {
  let file = try numpy(npz(["features": npy([2], floats: [1, 2]), "y": npy([2], integers: [0, 1])]), name: "a.npz")
  expectError("a.npz holds the arrays features, y; expected x_train and y_train") { _ = try file.parts() }
  expectError("a.npz holds the arrays features, y; expected x_test and y_test") {
    _ = try file.inputs()
  }
  expectError("a target column is for an array of two axes", code: .usage) {
    _ = try numpy(Fixture.bytes("numpy/stored.npz")).parts(target: "1")
  }
}

@Test func aDamagedArchiveIsNamedByArray() throws {
  let stored = Fixture.bytes("numpy/stored.npz")
  func expect(_ sentence: String, _ bytes: [UInt8]) {
    expectError(sentence) { _ = try numpy(bytes, name: "a.npz").parts() }
  }
  expect("the directory at the end of the zip archive is missing", Array(stored.dropLast(1)))
  expect("there are no arrays", npz([:]))
  expect("x.npy is in the archive twice", npz(["x": [1], "x": [2]]))
  let item = (0..<stored.count).first { stored[$0...].starts(with: (0..<16).map { UInt8($0) }) }!
  expect("a.npz, array x_train: the checksum", changed(stored, item + 3, to: 77))
  // Fields of the first entry of the directory.
  let entry = (0..<stored.count).first { stored[$0...].starts(with: [0x50, 0x4b, 1, 2]) }!
  expect("x_train.npy is encrypted", changed(stored, entry + 8, to: 1))
  expect("x_train.npy is packed by method 12", changed(stored, entry + 10, to: 12))
  expect("x_train.npy is stored in 144 bytes; expected its 145", changed(stored, entry + 24, to: 145))
  expect(
    "x_train.npy is said to take 167772304 bytes", changed(changed(stored, entry + 23, to: 10), entry + 27, to: 10))
  expect("expected y_train.npy, got a member of another name", changed(stored, entry + 46, to: 120 + 1))
  expect("expected the start of x_train.npy", changed(stored, entry + 42, to: 1))
  expect("expected the start of an entry", changed(stored, entry + 1, to: 0))
}

@Test func deflatedDataThatIsNotWhatWasPromisedIsRefusedBeforeItTakesMemory() throws {
  let deflated = Fixture.bytes("numpy/deflated.npz")
  let entry = (0..<deflated.count).first { deflated[$0...].starts(with: [0x50, 0x4b, 1, 2]) }!
  func expect(_ sentence: String, _ bytes: [UInt8]) {
    expectError(sentence) { _ = try numpy(bytes, name: "a.npz").parts() }
  }
  // The directory says 2 GiB, then 145 bytes; the header of the array 144.
  expect("a.npz, array x_train: the header promises 16 bytes of items", changed(deflated, entry + 27, to: 0x7f))
  expect("a.npz, array x_train: the header promises 16 bytes of items", changed(deflated, entry + 24, to: 145))
  expect("a.npz, array x_train: the deflated data is truncated", changed(deflated, entry + 20, to: 30))
  expect("a.npz, array x_train: the deflated data is damaged", changed(deflated, 61, to: 0xff))
  let header = "{'descr': '<u1', 'fortran_order': False, 'shape': (4,)}"
  let size = npy(header).count + 4
  expect("it decompresses to more than the \(size) bytes", npz(["x": npy(header, [1, 2, 3, 4, 5])], promising: size))
  expect(
    "\(size - 1) bytes were decompressed; the archive promises \(size)",
    npz(["x": npy(header, [1, 2, 3])], promising: size))
  let bomb = "{'descr': '<u1', 'fortran_order': False, 'shape': (900000000,)}"
  expect("deflated bytes cannot hold that many", npz(["x": npy(bomb, [1])], promising: npy(bomb).count + 900_000_000))
}

private func changed(_ bytes: [UInt8], _ position: Int, to byte: UInt8) -> [UInt8] {
  var bytes = bytes
  bytes[position] = byte
  return bytes
}

@Test func aTargetColumnThatTheModelCannotHaveIsRefused() throws {
  let array = try numpy(npy([4, 3], floats: [0, 1, 2, 1, 3, 5, 0, 1, 2, 1, 3, 5]))
  var model = try Model(Network.multilayer(input: 2, hidden: [2], outputs: 2, activation: .relu))
  try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.01)).fit(
    &model, to: array.parts(target: "0").training, epochs: 1)
  var bytes = try withTemporaryPath { path in
    try model.write(to: path)
    return try FileBytes(path).copy
  }
  let key = Array("targetColumn\\\":".utf8)
  let place = bytes.indices.first { bytes[$0...].starts(with: key) }! + key.count
  bytes[place] = UInt8(ascii: "3")
  expectError("model: The stored target column is 3; expected 0 to 2") {
    _ = try Model(Safetensors(FileBytes(bytes, name: "model")))
  }
}

/// Reads every number, so that one outside the file would be touched.
private func readAll(_ splits: DatasetSplits) {
  for part in [splits.training, splits.validation, splits.test] { _ = part.allRows }
}

@Test(arguments: ["table.npy", "fortran_cube.npy", "big_i8.npy", "version_2.npy", "f2.npy"])
func damagedNPYFilesAreErrorsAndNothingElse(fixture: String) {
  fuzz(Fixture.bytes("numpy/\(fixture)")) {
    guard let file = try NumpyFile(FileBytes($0, name: "a.npy")) else { return }
    _ = try file.inputs().allRows
    readAll(try file.parts(validation: 0.2, test: 0.2))
  }
}

@Test(arguments: ["stored.npz", "deflated.npz", "streamed.npz", "zip64.npz"])
func damagedNPZFilesAreErrorsAndNothingElse(fixture: String) {
  fuzz(Fixture.bytes("numpy/\(fixture)")) {
    guard let file = try NumpyFile(FileBytes($0, name: "a.npz")) else { return }
    _ = try file.inputs().allRows
    readAll(try file.parts(validation: 0.2, test: 0.2))
  }
}
