import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import FoundationEssentials
import Testing

/// A tensor as a safetensors file holds it.
private struct StoredTensor {
  var dtype: String
  var shape: [Int]
  var bytes: [UInt8]

  init(_ values: [Float], shape: [Int]) {
    (dtype, self.shape) = ("F32", shape)
    bytes = values.flatMap { withUnsafeBytes(of: $0) { Array($0) } }
  }

  init(_ dtype: String, shape: [Int], _ bytes: [UInt8]) { (self.dtype, self.shape, self.bytes) = (dtype, shape, bytes) }
}

/// The tensors of a small network with one norm, by their keys.
private let network = Network(input: [2]) {
  Dense(3)
  BatchNorm()
  ReLU()
  Dense(2)
}
private let tensors: [String: StoredTensor] = [
  "0.weight": StoredTensor(wave(6, 1, 1), shape: [3, 2]), "1.weight": StoredTensor(wave(3, 2, 1), shape: [3]),
  "1.bias": StoredTensor(wave(3, 3, 1), shape: [3]), "1.running_mean": StoredTensor(wave(3, 4, 1), shape: [3]),
  "1.running_var": StoredTensor([0.5, 0, 2], shape: [3]),
  "1.num_batches_tracked": StoredTensor("I64", shape: [], [9, 0, 0, 0, 0, 0, 0, 0]),
  "3.weight": StoredTensor(wave(6, 5, 1), shape: [2, 3]), "3.bias": StoredTensor(wave(2, 6, 1), shape: [2]),
]

/// A safetensors file, built here from the format's description.
private func file(_ tensors: [String: StoredTensor]) -> [UInt8] {
  var (header, data) = ([String](), [UInt8]())
  for (key, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
    let shape = tensor.shape.map { String($0) }.joined(separator: ",")
    header.append(
      "\"\(key)\":{\"dtype\":\"\(tensor.dtype)\",\"shape\":[\(shape)],\"data_offsets\":[\(data.count),\(data.count + tensor.bytes.count)]}"
    )
    data += tensor.bytes
  }
  return withHeader("{" + header.joined(separator: ",") + "}", data)
}

private func withHeader(_ header: String, _ data: some Sequence<UInt8>) -> [UInt8] {
  littleEndian(UInt64(header.utf8.count)) + [UInt8](header.utf8) + data.map(\.self)
}

/// The file with `old` in its header replaced.
private func replacing(_ old: String, with new: String, in file: [UInt8]) -> [UInt8] {
  let length = file[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
  let header = String(decoding: file[8..<8 + length], as: UTF8.self)
  let parts = header.split(separator: old, maxSplits: 1, omittingEmptySubsequences: false)
  #expect(parts.count == 2, "\(old) is not in \(header)")
  return withHeader(parts.joined(separator: new), file[(8 + length)...])
}

/// Reads `bytes` into a new model of `network`.
private func model(reading bytes: [UInt8]) throws -> Model {
  var model = try Model(network)
  let before = model.parameters.map(\.values)
  try withTemporaryPath { path in
    try Data(bytes).write(to: URL(filePath: path))
    do { try model.readParameters(from: path) } catch {
      #expect(model.parameters.map(\.values) == before, "a file that is refused changes nothing")
      throw error
    }
  }
  return model
}

@Test func aFileThatPythonWroteIsRead() throws {
  let model = try model(reading: Fixture.bytes("python_model.safetensors"))
  #expect(model.runningStatistics[0].statistics.batchCount == 3)
  let prediction = try model.predict(Tensor(wave(16, 0.9, 1), shape: [8, 2]))
  // PyTorch computes in Float too: some ten roundings of numbers of size 1 on each side.
  expect(
    prediction.values, near: OtherPrograms.all.modelPrediction.map { Bounded($0, error: 20 * Bounded.u) }, "prediction")
}

@Test func aFileWithoutBatchCountsIsReadAsOneOfOldPyTorch() throws {
  var some = tensors
  some["1.num_batches_tracked"] = nil
  let read = try model(reading: file(some))
  #expect(read.runningStatistics[0].statistics.batchCount == 1)
  #expect(read.runningStatistics[0].statistics.mean == wave(3, 4, 1))
}

@Test func numbersOfOtherPrecisionAreConverted() throws {
  var some = tensors
  some["3.bias"] = StoredTensor(
    "F64", shape: [2], [0.1, -2].flatMap { withUnsafeBytes(of: $0 as Double) { Array($0) } })
  some["1.bias"] = StoredTensor(
    "F16", shape: [3], [1.5, -0.25, 65504].flatMap { withUnsafeBytes(of: $0 as Float16) { Array($0) } })
  let parameters = try model(reading: file(some)).parameters
  #expect(parameters.first { $0.name == "3.bias" }!.values.values == [0.1, -2])
  #expect(parameters.first { $0.name == "1.bias" }!.values.values == [1.5, -0.25, 65504])
}

@Test func whatIsWrongWithATensorIsNamedByItsKey() throws {
  func expectError(_ sentence: String, _ change: (inout [String: StoredTensor]) -> Void) {
    var changed = tensors
    change(&changed)
    let error = #expect(throws: EvenkeelError.self) { try model(reading: file(changed)) }
    #expect(error?.code == .data && error?.message.contains(sentence) == true, "\(error?.message ?? "")")
  }
  expectError("\"4.weight\" belongs to no layer") { $0["4.weight"] = StoredTensor([1], shape: [1]) }
  expectError("\"3.bias\" is missing") { $0["3.bias"] = nil }
  expectError("\"1.running_var\" is missing") { $0["1.running_var"] = nil }
  expectError("0.weight: expected the shape [3, 2], got [2, 3]") { $0["0.weight"]!.shape = [2, 3] }
  expectError("1.running_mean: expected the shape [3], got [1, 3]") { $0["1.running_mean"]!.shape = [1, 3] }
  expectError("1.num_batches_tracked: expected the shape [], got [2]") {
    $0["1.num_batches_tracked"] = StoredTensor("I64", shape: [2], [UInt8](repeating: 0, count: 16))
  }
  expectError("1.weight: value 1 is nan") { $0["1.weight"] = StoredTensor([1, .nan, 1], shape: [3]) }
  expectError("1.running_mean: value 2 is inf") { $0["1.running_mean"] = StoredTensor([1, 1, .infinity], shape: [3]) }
  expectError("1.running_var: value 0 is -1e-30") { $0["1.running_var"] = StoredTensor([-1e-30, 1, 1], shape: [3]) }
  expectError("1.running_var: value 1 is nan") { $0["1.running_var"] = StoredTensor([1, .nan, 1], shape: [3]) }
  expectError("1.num_batches_tracked is -1") {
    $0["1.num_batches_tracked"]!.bytes = [UInt8](repeating: 255, count: 8)
  }
  expectError("3.bias: expected F32") { $0["3.bias"]!.dtype = "I32" }
  expectError("3.bias: the type BF17 is not known") { $0["3.bias"]!.dtype = "BF17" }
  expectError("1.num_batches_tracked: expected I64, got F64") { $0["1.num_batches_tracked"]!.dtype = "F64" }
}

@Test func everyBitOfAModelSurvivesItsFile() throws {
  var model = try model(reading: file(tensors))
  let odd: [Float] = [
    -0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude, -.leastNormalMagnitude, 0.1, Float(1).nextUp,
  ]
  try model.setParameter("0.weight", to: Tensor(odd, shape: [3, 2]))
  try withTemporaryPath { path in
    try model.write(to: path)
    let first = try Data(contentsOf: URL(filePath: path))
    let read = try Model(contentsOf: path)
    for (one, other) in zip(model.parameters, read.parameters) {
      #expect(one.name == other.name && one.role == other.role && one.values.shape == other.values.shape)
      #expect(one.values.values.map(\.bitPattern) == other.values.values.map(\.bitPattern), "\(one.name)")
    }
    #expect(model.runningStatistics.map(\.statistics) == read.runningStatistics.map(\.statistics))
    try read.write(to: path)
    #expect(try Data(contentsOf: URL(filePath: path)) == first)
  }
}

/// A trained classifier's file.
private func trainedFile() throws -> [UInt8] {
  var model = try Model(network)
  let data = try Dataset(
    wave(20, 1, 2), shape: [2], targets: .classes((0..<10).map { Int32($0 % 2) }, labels: ["no", "yes"]))
  try Trainer(loss: .softmaxCrossEntropy(labelSmoothing: 0.125), optimizer: .adam(), batchSize: 5).fit(
    &model, to: data, epochs: 1)
  return try withTemporaryPath { path in
    try model.write(to: path)
    return try FileBytes(path).copy
  }
}

/// A description that does not fit its own tensors would be read out of bounds later.
@Test func aDescriptionThatContradictsItselfIsRefused() throws {
  let file = try trainedFile()
  _ = try Model(Safetensors(FileBytes(file, name: "model")))
  for (old, new) in [
    (#"\"units\":3"#, #"\"units\":4"#), (#"\"units\":3"#, #"\"units\":1000000000"#),
    (#"\"input\":[2]"#, #"\"input\":[3]"#), (#"\"input\":[2]"#, #"\"input\":[-2]"#),
    (#"\"input\":[2]"#, #"\"input\":[4000000000,4000000000]"#),
    (#"\"classLabels\":[\"no\",\"yes\"]"#, #"\"classLabels\":[\"no\"]"#),
    (#"\"classLabels\":[\"no\",\"yes\"]"#, #"\"classLabels\":[\"no\",\"no\"]"#),
    (#"\"classLabels\":[\"no\",\"yes\"]"#, #"\"classLabels\":[\"no\",\"yes\",\"maybe\"]"#),
    (#"\"classLabels\":[\"no\",\"yes\"]"#, #"\"classLabels\":[]"#),
    (#"\"parameter\":0.125"#, #"\"parameter\":2"#), (#"softmaxCrossEntropy"#, #"meanSquaredError"#),
    (#"\"targetDeviation\":[]"#, #"\"targetDeviation\":[1]"#), (#"\"mean\":["#, #"\"mean\":[0,"#),
    (#"\"deviation\":["#, #"\"deviation\":[-1,"#), (#"\"epsilon\":1e-05"#, #"\"epsilon\":-1"#),
  ] {
    let error = #expect(throws: EvenkeelError.self, "\(new)") {
      try Model(Safetensors(FileBytes(replacing(old, with: new, in: file), name: "model")))
    }
    #expect(error?.code == .data && error?.message.hasPrefix("model") == true, "\(new): \(error?.message ?? "")")
  }
  let longer = replacing(
    #"\"mean\":["#, with: #"\"mean\":[0,"#, in: replacing(#"\"deviation\":["#, with: #"\"deviation\":[1,"#, in: file))
  let error = #expect(throws: EvenkeelError.self) { try Model(Safetensors(FileBytes(longer, name: "model"))) }
  #expect(error?.code == .data)
}

@Test func aTablesEncodingThatDoesNotFitTheNetworkIsRefused() throws {
  let table = "size,color,class\n" + (0..<20).map { "\($0 % 7),\($0 % 3 > 0 ? "red" : "blue"),c\($0 % 2)\n" }.joined()
  let data = try withTemporaryPath(".csv", containing: table) { try Dataset.csv(at: $0).training }
  var model = try Model(Network(input: [3]) { Dense(2) })
  try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 5).fit(&model, to: data, epochs: 1)
  let file = try withTemporaryPath { path in
    try model.write(to: path)
    return try FileBytes(path).copy
  }
  #expect(try Model(Safetensors(FileBytes(file, name: "model"))).predict(data) == model.predict(data))
  for (old, new) in [
    (#"[\"blue\",\"red\"]"#, #"[\"blue\"]"#),
    (#"\"classLabels\":[\"c0\",\"c1\"]"#, #"\"classLabels\":[\"c0\",\"c0\"]"#),
  ] {
    let error = #expect(throws: EvenkeelError.self, "\(new)") {
      try Model(Safetensors(FileBytes(replacing(old, with: new, in: file), name: "model")))
    }
    #expect(error?.code == .data && error?.message.contains("table") == true, "\(error?.message ?? "")")
  }
}

@Test func aCheckpointWithoutFiniteOptimizerStateIsRefused() throws {
  var model = try Model(network)
  let data = try Dataset(
    wave(20, 1, 2), shape: [2], targets: .classes((0..<10).map { Int32($0 % 2) }, labels: ["no", "yes"]))
  try withTemporaryPath { path in
    try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 5).fit(
      &model, to: data, epochs: 1,
      onEvent: { if case .epoch(_, let checkpoint) = $0 { try checkpoint.write(to: path) } })
    _ = try Checkpoint(contentsOf: path)
    var bytes = try FileBytes(path).copy
    // The last tensor is the optimizer's second moment.
    bytes.replaceSubrange((bytes.count - 4)..., with: [0, 0, 0xC0, 0x7F])
    try Data(bytes).write(to: URL(filePath: path))
    let error = #expect(throws: EvenkeelError.self) { try Checkpoint(contentsOf: path) }
    #expect(error?.code == .data && error?.message.contains("optimizer.second") == true)
  }
}
