import Evenkeel
import EvenkeelTestSupport
import Glibc
import Testing

private let table = "a,b,class\n" + (0..<40).map { "\($0 % 7),\($0 * $0 % 11),\($0 % 2 == 0 ? "x" : "y")\n" }.joined()
private let quick = ["--hidden", "4", "--batch-size", "8", "--epochs", "1", "--quiet"]

private func checkpoint(of model: String) -> String { String(model.dropLast(12)) + ".checkpoint.safetensors" }

/// Hands `body` a table, a path for a model, and removes its checkpoint too.
private func withTableAndModel(_ body: (_ table: String, _ model: String) throws -> Void) throws {
  try withTemporaryPath(".csv", containing: table) { table in
    try withTemporaryPath { model in
      defer { unlink(checkpoint(of: model)) }
      try body(table, model)
    }
  }
}

@Suite(.enabled(if: command != nil, "the command is not built"))
struct CommandOutputTests {
  @Test func aFileThatOutgrowsItsLimitIsAnErrorAndLeavesNothing() throws {
    try withTableAndModel { table, model in
      let result = try run(
        ["train", table, "--hidden", "256", "--epochs", "1", "--quiet", "--output", model],
        variables: ["sh", "-c", "ulimit -f 2; exec \"$0\" \"$@\""])
      #expect(result.code == 74 && result.errors.contains("File too large"), "\(result.errors)")
      #expect(access(model, F_OK) != 0 && access(checkpoint(of: model), F_OK) != 0)
    }
  }

  @Test func anArgumentThatIsNotUTF8IsRefused() throws {
    try withTableAndModel { table, model in
      for option in ["--output", "--test", "--resume"] {
        let result = try run(
          ["train", table] + quick + [option],
          variables: ["sh", "-c", "exec \"$0\" \"$@\" \"$(printf '\(model)\\351l')\""])
        #expect(result.code == 64 && result.errors.contains("is not UTF-8"), "\(result.errors)")
        #expect(result.errors.split(separator: "\n").count == 1)
      }
    }
  }

  @Test(arguments: ["| cat >", ">"])
  func aModelOnStandardOutputStandsThereAlone(way: String) throws {
    try withTableAndModel { table, model in
      let result = try run(
        ["train", table, "--json"] + quick + ["--output", "/dev/stdout"],
        variables: ["sh", "-c", "\"$0\" \"$@\" \(way) '\(model)'"])
      #expect(result.code == 0 && result.errors.contains("\"event\":\"finished\""), "\(result.errors)")
      #expect(try Model(contentsOf: model).network.outputShape() == [2])
      #expect(access("/dev/stdout.checkpoint.safetensors", F_OK) != 0)
      let recalibrated = try run(
        ["recalibrate", model, table, "--output", "/dev/stdout"],
        variables: ["sh", "-c", "\"$0\" \"$@\" | \"$0\" inspect /dev/stdin"])
      #expect(recalibrated.code == 0 && recalibrated.output.contains("batchNorm"), "\(recalibrated.errors)")
      #expect(recalibrated.errors.contains("the mean moved"), "\(recalibrated.errors)")
    }
  }

  @Test func aModelThatPredictsNoNumbersReplacesNone() throws {
    try withTableAndModel { table, model in
      #expect(try run(["train", table] + quick + ["--output", model]).code == 0)
      let before = try FileBytes(model).copy
      let result = try run(
        ["train", table] + quick + [
          "--batch-size", "128", "--learning-rate", "1e25", "--validation", "0", "--average", "none", "--members", "1",
          "--output", model,
        ])
      #expect(result.code == 65 && result.errors.contains("\(model) is not written"), "\(result.errors)")
      #expect(try FileBytes(model).copy == before)
    }
  }

  @Test(arguments: ["--test", "--validation"], ["a,b,class\n1,2,w\n3,4,z\n", "a,class\n1,x\n2,y\n"])
  func dataToEvaluateOnIsHeldAgainstTheModelBeforeTraining(option: String, text: String) throws {
    try withTableAndModel { table, model in
      try withTemporaryPath(".csv", containing: text) { other in
        let result = try run(["train", table] + quick.dropLast() + [option, other, "--output", model])
        #expect(result.code == 65 && !result.errors.contains("epoch 1"), "\(result.errors)")
        #expect(access(model, F_OK) != 0 && access(checkpoint(of: model), F_OK) != 0)
      }
    }
  }

  @Test func aRunThatResumesOnAnotherNumberOfThreadsEndsWithTheSameBits() throws {
    try withTableAndModel { table, model in
      let words = ["train", table] + quick + ["--hidden", "300", "--members", "1", "--output", model]
      #expect(try run(words + ["--threads", "1"]).code == 0)
      let place = try FileBytes(checkpoint(of: model)).copy
      func resumed(on threads: String) throws -> [Tensor] {
        writeBytes(place, to: checkpoint(of: model))
        let result = try run(
          words + ["--resume", checkpoint(of: model), "--epochs", "2", "--threads", threads])
        #expect(result.code == 0 && !result.errors.contains("threads"), "\(result.errors)")
        return try Model(contentsOf: model).parameters.map(\.values)
      }
      #expect(try resumed(on: "1") == resumed(on: "3"))
    }
  }

  @Test func aHangUpSavesThePlace() throws {
    try withTableAndModel { table, model in
      // The shell hangs up as soon as there is a checkpoint.
      let result = try run(
        ["train", table, "--hidden", "4", "--epochs", "1000000", "--members", "1", "--quiet", "--output", model],
        variables: [
          "sh", "-c",
          "\"$0\" \"$@\" & while kill -0 $! && ! [ -e '\(checkpoint(of: model))' ]; do sleep 0.05; done; kill -HUP $!; wait $!",
        ])
      #expect(result.code == 130 && result.errors.contains("Interrupted in epoch"), "\(result.errors)")
      #expect(try Checkpoint(contentsOf: checkpoint(of: model)).steps > 0)
    }
  }
}
