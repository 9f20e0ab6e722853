import Evenkeel
import Glibc
import Testing

/// 256 rows of 5 numbers, the last of which is the class, as an NPY file's bytes.
private func table(_ offset: Float = 0) -> [UInt8] {
  let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (256, 5), }"
  var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(header.utf8)
  bytes += [UInt8](repeating: 32, count: 127 - bytes.count) + [10]
  var numbers = Numbers(7)
  for row in 0..<256 {
    for value in numbers.many(4) + [Float(row % 2)] {
      withUnsafeBytes(of: value == 0 || value == 1 ? value : value + offset) { bytes += $0 }
    }
  }
  return bytes
}

/// Writes `bytes` to a file that may be there, in place.
private func overwrite(_ path: String, _ bytes: [UInt8]) throws {
  let descriptor = open(path, O_WRONLY | O_CREAT, 0o600)
  try #require(descriptor >= 0)
  defer { close(descriptor) }
  var before = stat()
  try #require(fstat(descriptor, &before) == 0)
  try #require(pwrite(descriptor, bytes, bytes.count, 0) == bytes.count)
  // What is written within a tick of the clock would have the time that was there before.
  let times = [before.st_mtim, timespec(tv_sec: before.st_mtim.tv_sec + 1, tv_nsec: 0)]
  try #require(futimens(descriptor, times) == 0)
}

private let changes: [(name: String, says: String, make: @Sendable (String) throws -> Void)] = [
  ("rewritten", "another program wrote to it after it was opened", { try overwrite($0, table(1)) }),
  ("cut off", "it had 5248 bytes, now it has 128", { try #require(truncate($0, 128) == 0) }),
  ("emptied", "it had 5248 bytes, now it has 0", { try #require(truncate($0, 0) == 0) }),
  ("continued", "it had 5248 bytes, now it has 9000", { try #require(truncate($0, 9000) == 0) }),
]

private let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 32, threads: 1)
private let network = Network(input: [4]) {
  Dense(6)
  BatchNorm()
  ReLU()
  Dense(2)
}

@Test(arguments: changes.indices)
func aFileThatChangesWhileItIsTrainedOnIsAnErrorAndTheStepBeforeIsKept(index: Int) throws {
  let change = changes[index]
  try withTemporaryFile(".npy") { path in
    try overwrite(path, table())
    var expected = try Model(network, seed: 1)
    var steps = 0
    let interruption = #expect(throws: EvenkeelError.self) {
      try trainer.fit(
        &expected, to: Dataset.numpy(at: path).training, epochs: 3,
        shouldStop: {
          steps += 1
          return steps == 10
        })
    }
    #expect(interruption?.code == .interrupted)

    let data = try Dataset.numpy(at: path).training
    var model = try Model(network, seed: 1)
    steps = 0
    let error = #expect(throws: EvenkeelError.self) {
      try trainer.fit(
        &model, to: data, epochs: 3,
        onEvent: {
          guard case .step = $0 else { return }
          steps += 1
          if steps == 10 { try change.make(path) }
        })
    }
    #expect(error?.code == .data)
    #expect(
      error?.message
        == "Step 11 of epoch 2: \(path) changed while it was read: \(change.says); the model keeps the state before this step."
    )
    #expect(model.parameters.map(\.values) == expected.parameters.map(\.values))
    let later = #expect(throws: EvenkeelError.self) { try expected.predict(data) }
    #expect(later?.message.hasPrefix("\(path) changed while it was read: ") == true)
  }
}

/// The change in the last batch of an epoch is found before its checkpoint is made.
@Test func noCheckpointIsMadeOfAnEpochInWhichTheFileChanged() throws {
  try withTemporaryFile(".npy") { path in
    try overwrite(path, table())
    var model = try Model(network, seed: 1)
    var checkpoints = 0
    let error = #expect(throws: EvenkeelError.self) {
      try trainer.fit(
        &model, to: Dataset.numpy(at: path).training, epochs: 3,
        onEvent: {
          switch $0 {
          case .step(2, let batch, let batches, _, _, _) where batch == batches: try overwrite(path, table(1))
          case .epoch: checkpoints += 1
          default: break
          }
        })
    }
    #expect(error?.message == "\(path) changed while it was read: another program wrote to it after it was opened.")
    #expect(checkpoints == 1)
  }
}

@Test func aFileThatIsReplacedByAnotherIsReadToItsEnd() throws {
  try withTemporaryFile(".npy") { path in
    try overwrite(path, table())
    var undisturbed = try Model(network, seed: 1)
    try trainer.fit(&undisturbed, to: Dataset.numpy(at: path).training, epochs: 2)
    var model = try Model(network, seed: 1)
    try trainer.fit(
      &model, to: Dataset.numpy(at: path).training, epochs: 2,
      onEvent: {
        guard case .step(1, 3, _, _, _, _) = $0 else { return }
        try overwrite(path + ".new", table(1))
        try #require(rename(path + ".new", path) == 0)
      })
    #expect(model.parameters.map(\.values) == undisturbed.parameters.map(\.values))
  }
}

/// Without the handler this ends the test program by SIGBUS.
@Test func aPageThatIsLostWhileItIsReadIsAnErrorWhereTheProgramAskedForThat() throws {
  LostPages.becomeErrors()
  try withTemporaryFile(".npz") { path in
    try overwrite(path, [UInt8](repeating: 1, count: 100_000))
    let file = try FileBytes(path)
    var sum = 0
    let error = #expect(throws: EvenkeelError.self) {
      try file.reading {
        try #require(truncate(path, 0) == 0)
        for byte in file.bytes { sum += Int(byte) }
      }
    }
    #expect(error?.message == "\(path) changed while it was read: it had 100000 bytes, now it has 0.")
    #expect(sum < 100_000)
    // Even where the file has its size again.
    try overwrite(path, [UInt8](repeating: 1, count: 100_000))
    #expect(throws: EvenkeelError.self) { try file.requireUnchanged() }
  }
}

@Test(.enabled(if: command != nil, "the command is not built"))
func theCommandKeepsTheCheckpointOfTheEpochBeforeItsDataWasCutOff() throws {
  try withTemporaryFile("") { stem in
    let (data, model, code) = (stem + ".npy", stem + ".safetensors", stem + ".code")
    defer { for end in [".npy", ".safetensors", ".checkpoint.safetensors", ".code"] { unlink(stem + end) } }
    try overwrite(data, table())
    // The line of the first epoch is waited for; the others would take far longer than what follows.
    let script =
      "{ \"$0\" \"$@\"; echo $? > '\(code)'; } | { read line; : > '\(data)'; cat > /dev/null; }"
    let result = try run(
      ["train", data, "--epochs", "5000", "--json", "--hidden", "4", "--threads", "1", "--output", model],
      variables: ["sh", "-c", script])
    #expect(String(decoding: try FileBytes(code).copy, as: UTF8.self) == "65\n")
    #expect(result.errors.contains("\(data) changed while it was read: it had 5248 bytes, now it has 0"))
    #expect(try Checkpoint(contentsOf: stem + ".checkpoint.safetensors").steps > 0)
    #expect(access(model, F_OK) != 0)
  }
}
