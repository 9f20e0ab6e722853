import Evenkeel
import EvenkeelTestSupport
import Testing

private func text(weightsRaisedBy more: Int = 0) -> String {
  "a,w,b,class\n"
    + (0..<60).map { "\($0 % 7),\($0 % 3 + more),\($0 * $0 % 11),\($0 % 7 > 3 ? "high" : "low")\n" }.joined()
}
private let table = text()

@Test func aColumnOfWeightsIsNoFeature() throws {
  try withTemporaryPath(".csv", containing: table) { path in
    let splits = try Dataset.csv(at: path, weight: "w", test: 0.2, seed: 1)
    #expect(splits.training.encoding!.featureNames == ["a", "b"])
    #expect(splits.training.weights?.count == 48 && splits.test.weights?.count == 12)
    // The row is known by its other columns.
    for row in 0..<48 {
      let values = splits.training[row]
      let lines = (0..<60).filter { Float($0 % 7) == values[0] && Float($0 * $0 % 11) == values[1] }
      #expect(lines.contains { Float($0 % 3) == splits.training.weights![row] })
    }
    #expect(try Dataset.csv(at: path).training.weights == nil)
    let error = #expect(throws: EvenkeelError.self) { try Dataset.csv(at: path, target: "w", weight: "w") }
    #expect(error?.message.contains("both the target and the weight") == true)
  }
  // Where the weight is the last column, the target is the one before it.
  try withTemporaryPath(".csv", containing: "a,b,w\n1,0,1\n2,1,2\n3,0,0\n4,1,1\n") { path in
    let training = try Dataset.csv(at: path, weight: "w").training
    #expect(training.encoding!.targetName == "b")
  }
}

@Test(arguments: [
  ("a,w,b\n1,1,0\n2,-1,1\n3,0,0\n", "line 3, column w: expected a weight of 0 or more, got \"-1\""),
  ("a,w,b\n1,1,0\n2,,1\n3,0,0\n", "line 3, column w"), ("a,w,b\n1,1,0\n2,1,1\n3,x,0\n", "line 4, column w"),
  ("a,w,b\n1,1,0\n2,inf,1\n", "expected a finite number"),
  ("a,w,b\n1,1,0\n2,nan,1\n", "line 3, column w: expected a weight of 0 or more, got \"nan\""),
  ("a,w,b\n1,0,0\n2,0,1\n", "column w: the weights of all 2 training rows are 0"),
  ("a,v,b\n1,1,0\n", "no column \"w\" of weights; it has a, v, b"),
  ("w,b\n1,0\n", "no column besides the target or the weight"),
])
func aColumnThatHoldsNoWeightsIsNamed(text: String, sentence: String) throws {
  try withTemporaryPath(".csv", containing: text) { path in
    let error = #expect(throws: EvenkeelError.self) { try Dataset.csv(at: path, weight: "w") }
    #expect(error?.message.contains(sentence) == true, "\(error?.message ?? "")")
  }
}

@Test func anArchiveHoldsWeightsAndLengthsBesideItsInputs() throws {
  let x = npy([4, 5, 2], floats: (0..<40).map { Float($0) })
  let y = npy([4], integers: [0, 1, 0, 1])
  let whole = try numpy(
    npz([
      "X": x, "y": y, "sample_weight": npy([4], floats: [1, 0, 2, 0.5]), "lengths": npy([4], integers: [5, 3, 0, 1]),
    ]))
  let data = try whole.parts().training
  #expect(data.weights == [1, 0, 2, 0.5] && data.lengths == [5, 3, 0, 1])
  #expect(try whole.inputs().lengths == [5, 3, 0, 1])
  let parts = try numpy(
    npz([
      "x_train": x, "y_train": y, "weights_train": npy([4, 1], integers: [1, 2, 3, 4]), "x_test": x, "y_test": y,
      "lengths_test": npy([4], floats: [1, 2, 3, 4]),
    ])
  ).parts()
  #expect(parts.training.weights == [1, 2, 3, 4] && parts.training.lengths == nil)
  #expect(parts.test.weights == nil && parts.test.lengths == [1, 2, 3, 4])
  func refused(_ name: String, _ array: [UInt8], _ sentence: String) throws {
    let file = try numpy(npz(["X": x, "y": y, name: array]))
    expectError(sentence) { _ = try file.parts() }
  }
  try refused("weights", npy([3], floats: [1, 1, 1]), "array weights: Expected 4 weights")
  try refused("weights", npy([4], floats: [1, 1, -1, 1]), "array weights: The weight of example 2 is -1.0")
  try refused("weights", npy([4], floats: [0, 0, 0, 0]), "All 4 weights are 0")
  try refused(
    "weights", npy([4, 2], floats: [Float](repeating: 1, count: 8)), "one number per example, got the shape [4, 2]")
  try refused(
    "lengths", npy([4], integers: [1, 2, 6, 0]), "array lengths: The length of example 2 is 6; expected 0 to 5")
  try refused("lengths", npy([4], floats: [1, 2.5, 3, 0]), "The length of example 1 is 2.5; expected a whole number")
}

@Test func weightsAndLengthsOfNoPartOrTwiceAreRefused() throws {
  let x = npy([4, 5, 2], floats: (0..<40).map { Float($0) })
  let (y, w) = (npy([4], integers: [0, 1, 0, 1]), npy([4], floats: [1, 2, 3, 4]))
  func archive(_ name: String, _ other: String) throws -> NumpyFile {
    try numpy(npz(["x_train": x, "y_train": y, name: w, other: w]), name: "a.npz")
  }
  for (name, expected) in [
    ("weights", "expected weights_train beside x_train"), ("lengths", "expected lengths_train beside x_train"),
    ("Sample_Weight", "expected Sample_Weight_train beside x_train"),
  ] {
    expectError("a.npz: the array \(name) does not say which part it belongs to; \(expected)") {
      _ = try archive(name, "more").parts()
    }
  }
  expectError("the arrays weights_train and sample_weight_train both belong to x_train; expected only one of them") {
    _ = try archive("weights_train", "sample_weight_train").parts()
  }
  #expect(try archive("Weights_Train", "more").parts().training.weights == [1, 2, 3, 4])
  // Predicting uses no weights.
  #expect(try archive("weights", "more").examples(encoding: nil, targets: false, weights: false).weights == nil)
}

@Test func arraysThatNothingReadsAreAWarning() throws {
  let (x, y) = (npy([4, 3], floats: (0..<12).map { Float($0) }), npy([4], integers: [0, 1, 0, 1]))
  let odd = try numpy(
    npz(["x_train": x, "y_train": y, "weight_train": y, "x_test": x, "y_test": y, "weights_test": y, "length_train": y]
    ),
    name: "a.npz")
  let splits = try odd.parts()
  #expect(splits.warnings == ["a.npz: the arrays weight_train, length_train are not read."])
  #expect(splits.training.weights == nil && splits.test.weights == [0, 1, 0, 1])
  #expect(odd.warnings == splits.warnings)
  #expect(try numpy(npz(["data": x, "target": y, "DESCR": y])).warnings.count == 1)
  #expect(try numpy(npz(["X": x, "y": y, "weights": y])).parts().warnings == [])
}
