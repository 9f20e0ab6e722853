import Evenkeel
import EvenkeelTestSupport
import Glibc
import Testing

@Test(arguments: [
  "i1.npy", "i2.npy", "i4.npy", "i8.npy", "u1.npy", "u2.npy", "u4.npy", "u8.npy", "f2.npy", "f4.npy", "f8.npy",
  "big_i2.npy", "big_u4.npy", "big_i8.npy", "big_f2.npy", "big_f4.npy",
  "big_f8.npy", "version_2.npy", "version_3.npy", "fortran.npy",
])
func everyTypeAndVersionGivesTheSameNumbers(fixture: String) throws {
  #expect(try numpy(Fixture.bytes("numpy/\(fixture)")).inputs().allRows == [[0, 1], [2, 3], [100, 1]])
}

@Test func truthValuesAreZeroAndOne() throws {
  #expect(try numpy(Fixture.bytes("numpy/b1.npy")).inputs().allRows == [[0, 1], [1, 1], [1, 1]])
}

@Test func fortranOrderOfThreeAxesIsTurnedRound() throws {
  let plain = try numpy(Fixture.bytes("numpy/cube.npy")).inputs()
  #expect(plain.shape == [3, 2])
  #expect(plain.allRows == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]])
  #expect(try numpy(Fixture.bytes("numpy/fortran_cube.npy")).inputs().allRows == plain.allRows)
}

@Test func negativeIntegersAndLargeOnesKeepTheirValue() throws {
  let array = npy([2, 2], integers: [-5, 1 << 40, .min, 7])
  #expect(
    try numpy(array).inputs().allRows == [[-5, Float(1 << 40)], [Float(Int.min), 7]])
}

@Test func theLastColumnOfAnArrayIsTheTargetByDefault() throws {
  let training = try numpy(Fixture.bytes("numpy/table.npy")).parts().training
  #expect(training.targetValues == (0..<8).map { Double(-$0) })
  #expect(training[2] == [1, 3] && training[3] == [1.5, 7])
}

@Test func anyColumnMayBeTheTargetAndFewWholeNumbersAreClasses() throws {
  let training = try numpy(Fixture.bytes("numpy/table.npy")).parts(target: "1").training
  #expect(training.classNames == ["3", "7", "3", "7", "3", "7", "3", "7"])
  #expect(training[2] == [1, -2] && training[3] == [1.5, -3])
}

@Test func anArrayAndACSVFileOfTheSameNumbersArePartedAlike() throws {
  var random = RandomNumbers(RandomKey(seed: 5))
  // The fourth class has two rows: any draw may leave it out of training.
  let numbers = (0..<60).map { row -> [Float] in
    [Float(random.uniform()), Float(row), row % 30 == 7 ? 3 : Float(row % 3)]
  }
  let array = try numpy(npy([60, 3], floats: numbers.flatMap { $0 }))
  let text = numbers.map { "\($0[0]),\($0[1]),\($0[2])\n" }.joined()
  try withTemporaryPath(".csv", containing: Array(text.utf8)) { path in
    for seed: UInt64 in 0..<20 {
      let a = try array.splits(target: nil, validation: 0.3, test: 0.2, seed: seed)
      let b = try Dataset.csv(at: path, validation: 0.3, test: 0.2, seed: seed)
      for part in [\DatasetSplits.training, \.validation, \.test] {
        #expect(a[keyPath: part].classNames == b[keyPath: part].classNames)
        #expect(a[keyPath: part].allRows == b[keyPath: part].allRows)
      }
      #expect(Set(a.training.classNames!) == ["0", "1", "2", "3"])
      #expect(a.training.count + a.validation.count + a.test.count == 60)
    }
  }
}

@Test(arguments: ["stored.npz", "deflated.npz", "streamed.npz", "zip64.npz"])
func kerasNamesGiveTrainingAndTestParts(fixture: String) throws {
  let splits = try numpy(Fixture.bytes("numpy/\(fixture)"), name: "a.npz").parts(test: 0.2)
  #expect(splits.training.shape == [2, 2] && splits.validation.isEmpty)
  #expect(splits.training.allRows == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]])
  #expect(splits.training.classNames == ["0", "2", "1", "0"])
  #expect(splits.test.allRows == [[100, 101, 102, 103], [104, 105, 106, 107]])
  #expect(splits.test.classNames == ["2", "1"])
}

@Test(arguments: [("X", "y"), ("x", "y"), ("data", "target"), ("images", "labels"), ("train_images", "train_labels")])
func inputsAndTargetsAreFoundUnderTheNamesThatPeopleUse(x: String, y: String) throws {
  let file = npz([
    y: npy([8, 1], integers: [1, 0, 1, 0, 1, 0, 1, 0]), "other": npy([1], integers: [1]),
    x: npy([8, 2], floats: (0..<16).map { Float($0) }),
  ])
  let splits = try numpy(file).parts(validation: 0.25, test: 0.25)
  #expect(splits.training.count == 4 && splits.validation.count == 2 && splits.test.count == 2)
  #expect(splits.training.outputCount == 2)
}

@Test func floatTargetsAreValuesAndSeveralColumnsSeveralTargets() throws {
  let x = npy([3], floats: [1, 2, 3])
  let one = try numpy(npz(["x": x, "y": npy([3], floats: [0, 1, 0])])).parts().training
  #expect(one.shape == [1] && one.targetValues == [0, 1, 0] && one.outputCount == 1)
  let two = try numpy(npz(["x": x, "y": npy([3, 2], floats: [0, 1, 2, 3, 4, 5])])).parts().training
  #expect(two.targetValues == [0, 1, 2, 3, 4, 5] && two.outputCount == 2)
}

@Test func theFilesOwnPartsAreUsedUnlessAShareIsAskedFor() throws {
  func x(_ count: Int) -> [UInt8] { npy([count, 1], floats: (0..<count).map { Float($0) }) }
  func y(_ count: Int) -> [UInt8] { npy([count], integers: (0..<count).map { $0 % 2 }) }
  let file = try numpy(npz(["x_train": x(10), "y_train": y(10), "x_val": x(3), "y_val": y(3), "x_test": x(4)]))
  let own = try file.parts(test: 0.2)
  #expect(own.validation.count == 3 && own.test.count == 2 && own.training.count == 8)
  #expect(own.warnings.count == 1 && own.warnings[0].contains("x_test has no targets"))
  let drawn = try file.parts(validation: 0.5)
  #expect(drawn.validation.count == 5 && drawn.training.count == 5)
}

@Test func anArchiveOfOneArrayIsThatArray() throws {
  let training = try numpy(npz(["arr_0": Fixture.bytes("numpy/table.npy")])).parts(target: "1").training
  #expect(training.classNames == ["3", "7", "3", "7", "3", "7", "3", "7"])
}

@Test func plainArraysStayInTheMappedFile() throws {
  // What is written to the file later shows in the data set: no copy was made.
  try withTemporaryPath(".npy", containing: Fixture.bytes("numpy/f4.npy")) { path in
    let data = try Dataset.numpy(at: path).training
    #expect(data[1] == [2])
    try overwrite(path, at: 128 + 2 * 4, littleEndian(Float(7).bitPattern))
    #expect(data[1] == [7])
  }
  let stored = Fixture.bytes("numpy/stored.npz")
  try withTemporaryPath(".npz", containing: stored) { path in
    let data = try Dataset.numpy(at: path).training
    let start = (0..<stored.count).first { stored[$0...].starts(with: (0..<16).map { UInt8($0) }) }!
    #expect(data[1] == [4, 5, 6, 7])
    try overwrite(path, at: start + 4, [99])
    #expect(data[1] == [99, 5, 6, 7])
  }
}

private func overwrite(_ path: String, at offset: Int, _ bytes: [UInt8]) throws {
  let descriptor = open(path, O_WRONLY)
  defer { close(descriptor) }
  try #require(pwrite(descriptor, bytes, bytes.count, off_t(offset)) == bytes.count)
}

@Test func anArrayThatIsNotAlignedIsReadAllTheSame() throws {
  // The header ends at an odd byte.
  let file = npy(
    "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2)} ", [1.5, -2.5].flatMap { littleEndian($0.bitPattern) })
  #expect((file.count - 16) % 2 == 1)
  #expect(try numpy(file).inputs().allRows == [[1.5, -2.5]])
}

private let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.02), batchSize: 16, seed: 1)

/// Rows of a class 0 or 1 and two numbers that tell it.
private func labeled(_ count: Int) -> [[Float]] {
  var random = RandomNumbers(RandomKey(seed: 2))
  return (0..<count).map { row in
    [Float(row % 2), Float(random.normal()) + (row % 2 == 0 ? 3 : -3), Float(random.normal())]
  }
}

private func trained(on data: DatasetSplits) throws -> Model {
  var model = try Model(Network.multilayer(input: 2, hidden: [8], outputs: 2, activation: .relu), seed: 1)
  try trainer.fit(&model, to: data.training, validation: data.validation, epochs: 10)
  return model
}

@Test func aModelOfAnArrayPredictsWithAndWithoutTheTargetColumn() throws {
  let numbers = labeled(200)
  let whole = npy([200, 3], floats: numbers.flatMap { $0 })
  let model = try trained(on: numpy(whole).parts(target: "0", validation: 0.1))
  let stored = try withTemporaryPath { path in
    try model.write(to: path)
    return try Model(contentsOf: path)
  }
  try withTemporaryPath(".npy", containing: whole) { path in
    let data = try Dataset.readForUse(path, by: stored, targets: true).dataset
    #expect(try stored.evaluate(data).accuracy! > 0.95)
    let apart = npy([200, 2], floats: numbers.flatMap { $0.dropFirst() })
    try withTemporaryPath(".npy", containing: apart) { apart in
      let inputs = try Dataset.readForUse(apart, by: stored, targets: false).dataset
      #expect(try stored.predict(inputs) == stored.predict(data))
      expectError("expected 3 columns, the target in column 0, got the shape [200, 2]") {
        _ = try Dataset.readForUse(apart, by: stored, targets: true)
      }
    }
  }
  let wide = try numpy(npy([1, 4], floats: [0, 0, 0, 0]))
  expectError("expected 3 columns, the target in column 0, or 2 without it, got the shape [1, 4]") {
    _ = try wide.examples(encoding: stored.encoding, targets: false)
  }
  let other = try numpy(npy([1, 3], floats: [2, 0, 0]))
  guard case .classes([2], let labels) = try other.examples(encoding: stored.encoding, targets: true).targets else {
    Issue.record("a class that training never saw does not come after those that it saw")
    return
  }
  #expect(labels == ["0", "1", "2"])
}

@Test func aModelOfAnArchivePredictsWithoutTargetsAndEvaluatesWithThem() throws {
  let numbers = labeled(200)
  let x = npy([200, 2], floats: numbers.flatMap { $0.dropFirst() })
  let file = npz(["X": x, "y": npy([200], integers: numbers.map { Int($0[0]) })])
  let model = try trained(on: numpy(file).parts(validation: 0.1, test: 0.2))
  let data = try numpy(file).examples(encoding: model.encoding, targets: true)
  #expect(try model.evaluate(data).accuracy! > 0.95)
  for apart in [npz(["X": x]), npz(["X": x, "names": x]), x] {
    let inputs = try numpy(apart).examples(encoding: model.encoding, targets: false)
    #expect(try model.predict(inputs) == model.predict(data))
    expectError("there are no targets") { _ = try numpy(npz(["X": x])).examples(encoding: nil, targets: true) }
  }
  expectError("X has no targets to evaluate with; it holds the arrays X, names") {
    _ = try numpy(npz(["X": x, "names": x])).examples(encoding: nil, targets: true)
  }
}

@Test func heldOutDataMayLieInFilesOfItsOwn() throws {
  let numbers = labeled(40)
  let whole = npy([40, 3], floats: numbers.flatMap { $0 })
  let few = npy([4, 3], floats: numbers[..<4].flatMap { $0 })
  try withTemporaryPath(".npy", containing: whole) { path in
    try withTemporaryPath(".npy", containing: few) { other in
      let splits = try Dataset.read(path, target: "0", validation: .data(other), test: .data(other))
      #expect(splits.training.count == 40 && splits.validation.classNames == ["0", "1", "0", "1"])
      #expect(splits.test.classNames == ["0", "1", "0", "1"])
    }
  }
}

@Test func aModelOfNamedColumnsRefusesAnArrayAndTheOtherWayRound() throws {
  try withTemporaryPath(".csv", containing: Array("a,b\n1,0\n2,1\n3,0\n".utf8)) { path in
    let encoding = try Dataset.csv(at: path).training.encoding
    expectError("a.npy: the model was trained on a table of named columns; expected a CSV file") {
      _ = try numpy(npy([1, 2], floats: [1, 2])).examples(encoding: encoding, targets: false)
    }
    let model = try trained(on: numpy(npy([40, 3], floats: labeled(40).flatMap { $0 })).parts(target: "0"))
    expectError("the model was trained on arrays of numbers") {
      _ = try Dataset.readForUse(path, by: model, targets: false)
    }
  }
}

@Test func aNumberThatIsNotFiniteIsNamedByItsRowInTheFileAndColumn() throws {
  var numbers = labeled(40).flatMap { $0 }
  numbers[39 * 3 + 2] = .nan
  let splits = try numpy(npy([40, 3], floats: numbers)).parts(target: "0", validation: 0.2, test: 0.2)
  let part = try #require(
    [splits.training, splits.validation, splits.test].first { $0.allRows.joined().contains { $0.isNaN } })
  expectError("Example 39 holds nan in column 2") { _ = try InputScaling(fittedTo: part) }
}
