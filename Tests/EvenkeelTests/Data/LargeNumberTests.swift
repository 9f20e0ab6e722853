import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import FoundationEssentials
import Testing

/// Columns of whole numbers far from 0, around offsets of their own: seconds and nanoseconds since 1970.
private let seconds = (0..<200).map { 1_700_000_000 + $0 * $0 % 911 }
private let nanoseconds = (0..<200).map { 1_700_000_000_000_000_001 + $0 * 7 % 300 }

private func bigEndian(_ numbers: [Int]) -> [UInt8] { numbers.flatMap { littleEndian($0).reversed() } }

private func doubles(_ shape: [Int], _ values: [Double]) -> [UInt8] {
  npy(
    "{'descr': '<f8', 'fortran_order': False, 'shape': (\(shape.map { "\($0)," }.joined()))}",
    values.flatMap { littleEndian($0.bitPattern) })
}

private func standardized(_ data: Dataset, _ scaling: InputScaling) throws -> [Float] {
  var result = [Float](repeating: 0, count: data.count * data.shape.count)
  try data.gather(0, data.count, into: &result, scaling: scaling, threads: 2)
  return result
}

/// Every standardized feature is what Double makes of the whole numbers, to one unit of the last place of a float.
private func expectExact(
  _ data: Dataset, _ columns: [[Int]], _ what: String, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let got = try standardized(data, InputScaling(fittedTo: data))
  for (column, values) in columns.enumerated() {
    let differences = values.map { Double($0 - values[0]) }
    let mean = differences.reduce(0, +) / Double(values.count)
    let variance = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    for row in values.indices {
      let expected = Float((differences[row] - mean) / variance.squareRoot())
      let found = got[row * columns.count + column]
      #expect(abs(found - expected) <= expected.ulp, "\(what), row \(row)", sourceLocation: sourceLocation)
    }
  }
}

@Test func whatIsFarFromZeroIsStandardizedInDouble() throws {
  let table = "t,y\n" + seconds.map { "\($0),\(Double($0 % 10) + 0.5)\n" }.joined()
  try withTemporaryPath(".csv", containing: Array(table.utf8)) {
    try expectExact(Dataset.csv(at: $0).training, [seconds], "CSV")
  }
  let float64 = doubles([200, 1], seconds.map { Double($0) })
  try expectExact(numpy(float64).inputs(), [seconds], "NPY of float64")
  try expectExact(numpy(npy([200], integers: seconds)).inputs(), [seconds], "NPY of int64")
  let both = zip(seconds, nanoseconds).flatMap { [$0, $1] }
  try expectExact(
    numpy(npz(["x": npy([200, 2], integers: both), "y": npy([200], integers: seconds.map { $0 % 2 })])).parts()
      .training,
    [seconds, nanoseconds], "NPZ of int64 beyond 2^53")
  try expectExact(
    numpy(npy([200, 3], integers: zip(seconds, nanoseconds).flatMap { [$0, $0 % 2, $1] })).parts(target: "1").training,
    [seconds, nanoseconds], "a table of int64 with the target between")
  let turned = npy("{'descr': '>i8', 'fortran_order': True, 'shape': (200, 2)}", bigEndian(seconds + nanoseconds))
  try expectExact(numpy(turned).inputs(), [seconds, nanoseconds], "big-endian int64 in Fortran order")
  let unsigned = npy(
    "{'descr': '<u8', 'fortran_order': False, 'shape': (200,)}",
    nanoseconds.flatMap { littleEndian(UInt64($0) &+ 1 << 63) })
  try expectExact(numpy(unsigned).inputs(), [nanoseconds], "uint64 beyond 2^63")
  let narrow = npy(
    "{'descr': '<i4', 'fortran_order': False, 'shape': (200,)}", seconds.flatMap { littleEndian(Int32($0)) })
  try expectExact(numpy(narrow).inputs(), [seconds], "int32")
}

@Test func aColumnThatVariesInDigitsThatFloatsLoseIsNotConstant() throws {
  let table = "t,y\n" + (0..<60).map { "\(1_700_000_000 + $0 % 9),\(Double($0 % 9) + 0.5)\n" }.joined()
  try withTemporaryPath(".csv", containing: Array(table.utf8)) { path in
    let splits = try Dataset.csv(at: path)
    #expect(splits.warnings.isEmpty)
    #expect(splits.training.encoding!.isInDouble)
  }
  // Numbers that floats hold stay floats.
  let plain = "t,y\n" + (0..<60).map { "\(Double($0) / 10),\(Double($0 % 9) + 0.5)\n" }.joined()
  try withTemporaryPath(".csv", containing: Array(plain.utf8)) { path in
    let encoding = try #require(try Dataset.csv(at: path).training.encoding)
    #expect(!encoding.isInDouble)
  }
}

@Test(arguments: [1e24, 1e38, 1e200, 1e-30, 1e-200])
func aDeviationOfAnySizeIsFound(size: Double) throws {
  var numbers = Numbers(4)
  let values = numbers.many(120).map { Double($0) * size }
  let mean = values.reduce(0) { $0 + $1 / 120 }
  let deviation = values.reduce(0) { $0 + ($1 - mean) / size * (($1 - mean) / size) / 120 }.squareRoot() * size
  func expect(_ data: Dataset, _ what: String) throws {
    for (value, found) in zip(values, try standardized(data, InputScaling(fittedTo: data))) {
      #expect(abs(Double(found) - (value - mean) / deviation) <= 1e-6, "\(what), \(size)")
    }
  }
  try expect(numpy(doubles([120], values)).inputs(), "float64")
  let weighted = try numpy(doubles([120], values)).inputs().with(weights: [Float](repeating: 2, count: 120))
  try expect(weighted, "float64 with weights")
  let table = "x,y\n" + values.map { "\($0),0.5\n" }.joined()
  try withTemporaryPath(".csv", containing: Array(table.utf8)) { try expect(Dataset.csv(at: $0).training, "CSV") }
}

/// An image of offset 1.7e9 is changed as the same image around 0 is, with the outside as far away as 0 is from it.
@Test func imagesFarFromZeroAreAugmentedInDouble() throws {
  let shape = Shape([6, 5, 2])
  var numbers = Numbers(6)
  let values = numbers.many(4 * shape.count).map { Double(Int(1000 * $0)) }
  let dictionary = "{'descr': '<f8', 'fortran_order': False, 'shape': (4, 6, 5, 2)}"
  func augmented(_ offset: Double, _ kinds: [Augmentation]) throws -> [Float] {
    let data = try numpy(npy(dictionary, values.flatMap { littleEndian(($0 + offset).bitPattern) })).inputs()
    let augmenter = Augmenter(
      data, kinds, scaling: try InputScaling(fittedTo: data), seed: 3, capacity: 4, threads: 1)
    var output = [Float](repeating: .nan, count: 4 * shape.count)
    let bad = [Int32(0), 1, 2, 3].withUnsafeBufferPointer { augmenter.gather($0, epoch: 2, into: &output) }
    #expect(bad == -1)
    return output
  }
  for kinds in [[Augmentation.flip], [.cutOut(side: 3)], [.flip, .cutOut(side: 2)]] {
    let (near, far) = (try augmented(0, kinds), try augmented(1.7e9, kinds))
    for (a, b) in zip(near, far) { #expect(abs(a - b) <= 1e-6, "\(kinds)") }
  }
  // What comes in from outside has the value 0, which lies 1.7e9 below the mean; the inside keeps its digits.
  for kinds in [[Augmentation.crop(padding: 2)], [.rotation(degrees: 30)]] {
    let (near, far) = (try augmented(0, kinds), try augmented(1.7e9, kinds))
    let inside = zip(near, far).count { abs($0 - $1) <= 1e-5 }
    let outside = far.count { $0 < -1000 }
    #expect(inside > shape.count && outside > 0 && inside + outside == near.count, "\(kinds)")
  }
}

/// A scaling of floats, as models had it, takes off the mean in floats as it did.
@Test func aScalingOfAnEarlierModelGivesTheSameBits() throws {
  var numbers = Numbers(5)
  let data = try numpy(doubles([50, 2], numbers.many(100).map { 7 + Double($0) / 3 })).inputs()
  let (mean, deviation): ([Float], [Float]) = ([7.123457, 6.9], [0.3333333, 2.1])
  let earlier = try JSONDecoder().decode(
    InputScaling.self,
    from: Data(#"{"mean":[\#(mean[0]),\#(mean[1])],"deviation":[\#(deviation[0]),\#(deviation[1])]}"#.utf8))
  let got = try standardized(data, earlier)
  for (index, value) in data.allRows.joined().enumerated() {
    #expect(got[index] == (value - mean[index % 2]) * (1 / deviation[index % 2]))
  }
}

@Test func predictionsOfATableFarFromZeroAreThoseOfItsEvaluation() throws {
  let table = "t,y\n" + seconds.map { "\($0),\(Double($0 - seconds[0]) / 100 + 0.125)\n" }.joined()
  try withTemporaryPath(".csv", containing: Array(table.utf8)) { path in
    let splits = try Dataset.csv(at: path)
    var model = try Model(
      Network(input: [1]) {
        Dense(8)
        BatchNorm()
        ReLU()
        Dense(1)
      }, seed: 1)
    try Trainer(loss: .meanSquaredError, optimizer: .adam(learningRate: 0.02), batchSize: 32, threads: 1).fit(
      &model, to: splits.training, epochs: 60)
    let quality = try model.evaluate(splits.training)
    #expect(quality.targets[0].coefficientOfDetermination! > 0.95)
    try withTemporaryPath { file in
      try model.write(to: file)
      let stored = try Model(contentsOf: file)
      let again = try Dataset.readForUse(path, by: stored, targets: true).dataset
      let judged = try stored.evaluate(again)
      #expect(judged == quality)
      let one = "t\n\(seconds[77])\n"
      try withTemporaryPath(".csv", containing: Array(one.utf8)) { row in
        let alone = try stored.predict(Dataset.readForUse(row, by: stored, targets: false).dataset)
        let among = try model.predict(splits.training)
        #expect(alone.values[0] == among.values[77])
      }
    }
  }
}

@Test func aTargetThatIsNotFiniteIsNoClass() throws {
  var numbers = (0..<60).map { Double($0 % 3) }
  numbers[3 * 7 + 2] = .infinity
  expectError("the target of example 7 is inf") { _ = try numpy(doubles([20, 3], numbers)).parts() }
  numbers[3 * 7 + 2] = .nan
  expectError("the target of example 7 is nan") { _ = try numpy(doubles([20, 3], numbers)).parts() }
}
