import Evenkeel
import EvenkeelTestSupport
import Testing

@Test func outputThatCannotBeWrittenIsNamed() throws {
  try withTemporaryFolder { folder in
    for path in [folder + "/nowhere/at/all", "/dev/full", folder] {
      let error = #expect(throws: EvenkeelError.self) {
        try Model.writeText(String(repeating: "x", count: 100), to: path)
      }
      #expect(error!.code == .cannotWrite && error!.message.contains(path))
    }
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
  try withTemporaryPath { path in
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

@Test(arguments: [("running_var", "running_vxr"), ("\"0.weight\"", "\"9.weight\"")])
func aMissingTensorIsNamed(from: String, to: String) throws {
  let model = try Model(
    Network(input: [2]) {
      Dense(3)
      BatchNorm()
    })
  let bytes = try withTemporaryPath { path in
    try model.write(to: path)
    return try FileBytes(path).copy
  }
  let at = bytes.indices.first { bytes[$0...].starts(with: Array(from.utf8)) }!
  let changed = Array(bytes[..<at]) + Array(to.utf8) + Array(bytes[(at + from.utf8.count)...])
  let error = #expect(throws: EvenkeelError.self) { try Model(Safetensors(FileBytes(changed, name: "model"))) }
  #expect(error!.code == EvenkeelError.Code.data && error!.message.contains("missing"))
}
