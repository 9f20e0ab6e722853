import Evenkeel
import EvenkeelTestSupport
import Glibc
import Testing

/// Whether the command was built with MPI and there is something to start several of it.
private let startsRanks = MPICommunicator.isAvailable && access("/usr/bin/mpirun", X_OK) == 0

/// What starts the command as so many ranks.
private func ranks(_ count: Int) -> [String] {
  [
    "OMPI_MCA_btl_vader_single_copy_mechanism=none", "mpirun", "--oversubscribe", "--allow-run-as-root", "-np",
    "\(count)",
  ]
}

private func training(_ output: String, epochs: Int = 2, data: String = "digits") -> [String] {
  [
    "train", data, "--hidden", "24,16", "--dropout", "0.1", "--epochs", "\(epochs)", "--batch-size", "150", "--seed",
    "3",
    "--threads", "1", "--output", output, "--quiet",
  ]
}

@Suite(.serialized, .enabled(if: command != nil && startsRanks, "mpirun or the trait MPI is missing"))
private struct RankCommandTests {
  @Test func theModelFileHasTheSameBytesOnAnyNumberOfRanks() throws {
    try withTemporaryFolder { folder in
      let one = try run(training("\(folder)/one.safetensors"))
      #expect(one.code == 0, "\(one.errors)")
      let bytes = try FileBytes("\(folder)/one.safetensors").copy
      for count in 1...4 {
        let path = "\(folder)/\(count).safetensors"
        let result = try run(training(path), variables: ranks(count))
        #expect(result.code == 0, "\(result.errors)")
        #expect(try FileBytes(path).copy == bytes, "\(count) ranks")
        #expect(result.output.split(separator: "\n").count { $0.hasPrefix("model:") } == 1)
      }
    }
  }

  @Test(.enabled(if: Precision.bfloat16.isAvailable, "the processor has no bfloat16"))
  func soItHasInBFloat16() throws {
    try withTemporaryFolder { folder in
      let precision = ["--precision", "bfloat16"]
      let one = try run(training("\(folder)/one.safetensors") + precision)
      #expect(one.code == 0, "\(one.errors)")
      let bytes = try FileBytes("\(folder)/one.safetensors").copy
      for count in 1...4 {
        let path = "\(folder)/\(count).safetensors"
        let result = try run(training(path) + precision, variables: ranks(count))
        #expect(result.code == 0, "\(result.errors)")
        #expect(try FileBytes(path).copy == bytes, "\(count) ranks")
      }
    }
  }

  @Test func aCheckpointOfFourRanksResumesAsThree() throws {
    try withTemporaryFolder { folder in
      let (straight, parts) = ("\(folder)/straight.safetensors", "\(folder)/parts.safetensors")
      #expect(try run(training(straight), variables: ranks(2)).code == 0)
      #expect(try run(training(parts, epochs: 1), variables: ranks(4)).code == 0)
      let resumed = try run(
        ["train", "digits", "--epochs", "2", "--batch-size", "150", "--seed", "3", "--threads", "1", "--quiet"]
          + ["--resume", "\(folder)/parts.checkpoint.safetensors"], variables: ranks(3))
      #expect(resumed.code == 0, "\(resumed.errors)")
      #expect(try FileBytes(parts).copy == FileBytes(straight).copy)
    }
  }

  @Test func aRankThatCannotReadItsDataStopsAllWithOneSentence() throws {
    try withTemporaryFolder { folder in
      let output = "\(folder)/model.safetensors"
      let result = try run(
        training(output, data: "\(folder)/missing.csv"),
        variables: ranks(1) + [command!] + training(output) + [":", "-np", "1"])
      #expect(result.code != 0)
      let sentences = result.errors.split(separator: "\n").filter { $0.hasPrefix("evenkeel: ") }
      #expect(sentences.count == 1 && sentences[0].contains("Rank 1 ("), "\(result.errors)")
    }
  }

  @Test func aRankThatReadsOtherDataIsNamed() throws {
    try withTemporaryFolder { folder in
      for (name, shift) in [("a", 0), ("b", 1)] {
        let rows = (0..<300).map { "\($0 % 7),\(($0 + shift) % 5),\($0 % 2)" }
        try AtomicFile.write("x,y,class\n" + rows.joined(separator: "\n") + "\n", to: "\(folder)/\(name).csv")
      }
      let others =
        ranks(1) + [command!] + training("\(folder)/model.safetensors", data: "\(folder)/a.csv") + [":", "-np", "1"]
      let result = try run(training("\(folder)/model.safetensors", data: "\(folder)/b.csv"), variables: others)
      #expect(result.code != 0)
      #expect(result.errors.contains("Rank 1 ("), "\(result.errors)")
      #expect(result.errors.contains("training data"), "\(result.errors)")
      #expect(access("\(folder)/model.safetensors", F_OK) != 0)
    }
  }
}

@Test(.enabled(if: command != nil)) func otherCommandsDoNotRunSeveralTimes() throws {
  let result = try run(["inspect", "x"], variables: ["OMPI_COMM_WORLD_SIZE=2"])
  #expect(result.code == 64)
  #expect(result.errors.contains("inspect runs in one process"), "\(result.errors)")
}
