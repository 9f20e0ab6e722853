import Evenkeel
import EvenkeelTestSupport
import Glibc
import Testing

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
  ("rewritten", "another program wrote to it after it was opened", { try overwrite($0, alignedTable(1)) }),
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
  try withTemporaryPath(".npy") { path in
    try overwrite(path, alignedTable())
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
  try withTemporaryPath(".npy") { path in
    try overwrite(path, alignedTable())
    var model = try Model(network, seed: 1)
    var checkpoints = 0
    let error = #expect(throws: EvenkeelError.self) {
      try trainer.fit(
        &model, to: Dataset.numpy(at: path).training, epochs: 3,
        onEvent: {
          switch $0 {
          case .step(2, let batch, let batches, _, _, _) where batch == batches: try overwrite(path, alignedTable(1))
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
  try withTemporaryPath(".npy") { path in
    try overwrite(path, alignedTable())
    var undisturbed = try Model(network, seed: 1)
    try trainer.fit(&undisturbed, to: Dataset.numpy(at: path).training, epochs: 2)
    var model = try Model(network, seed: 1)
    try trainer.fit(
      &model, to: Dataset.numpy(at: path).training, epochs: 2,
      onEvent: {
        guard case .step(1, 3, _, _, _, _) = $0 else { return }
        try overwrite(path + ".new", alignedTable(1))
        try #require(rename(path + ".new", path) == 0)
      })
    #expect(model.parameters.map(\.values) == undisturbed.parameters.map(\.values))
  }
}

/// Without the handler this ends the test program by SIGBUS.
@Test func aPageThatIsLostWhileItIsReadIsAnErrorWhereTheProgramAskedForThat() throws {
  LostPages.becomeErrors()
  try withTemporaryPath(".npz") { path in
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
