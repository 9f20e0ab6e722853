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

  @Test func ranksThatDoOtherThingsAreNamed() throws {
    try withTemporaryFolder { folder in
      for (name, shift) in [("data", 0), ("a", 1), ("b", 2)] {
        let rows = (0..<300).map { "\($0 % 7),\(($0 + shift) % 5),\($0 % 2)" }
        try AtomicFile.write("x,y,class\n" + rows.joined(separator: "\n") + "\n", to: "\(folder)/\(name).csv")
      }
      func expect(_ one: [String], _ other: [String], _ sentence: String) throws {
        let result = try run(other, variables: ranks(1) + [command!] + one + [":", "-np", "1"])
        let sentences = result.errors.split(separator: "\n").filter { $0.hasPrefix("evenkeel: ") }
        #expect(result.code != 0 && sentences.count == 1, "\(result.errors)")
        #expect(sentences.allSatisfy { $0.contains("Rank 1 (") && $0.contains(sentence) }, "\(result.errors)")
      }
      let train = training("\(folder)/model.safetensors", data: "\(folder)/data.csv")
      try expect(
        train + ["--test", "\(folder)/a.csv"], train + ["--test", "\(folder)/b.csv"], "its test data differs")
      try expect(train, ["evaluate", "model.safetensors", "\(folder)/a.csv"], "it runs evaluate, rank 0 train")
      #expect(access("\(folder)/model.safetensors", F_OK) != 0)
    }
  }

  @Test func validationAndAveragesAreSharedWithoutAnotherResult() throws {
    try withTemporaryFolder { folder in
      let words = ["--validation", "0.2", "--metric", "accuracy", "--average", "ema:0.9"]
      let one = try run(training("\(folder)/one.safetensors") + words)
      #expect(one.code == 0, "\(one.errors)")
      let three = try run(training("\(folder)/three.safetensors") + words, variables: ranks(3))
      #expect(three.code == 0, "\(three.errors)")
      #expect(
        try FileBytes("\(folder)/three.safetensors").copy == FileBytes("\(folder)/one.safetensors").copy)
    }
  }

  @Test func aModelIsUsedByRanksAsByOneProcess() throws {
    try withTemporaryFolder { folder in
      let (model, table) = ("\(folder)/model.safetensors", "\(folder)/table.csv")
      let rows = (0..<4_000).map { "\($0 % 7),\($0 % 5),\($0 % 3 == 0 ? "yes" : "no")" }
      try AtomicFile.write("x,y,class\n" + rows.joined(separator: "\n") + "\n", to: table)
      #expect(try run(training(model, data: table)).code == 0)
      for words in [["evaluate", model, table], ["predict", model, table], ["evaluate", model, table, "--json"]] {
        let (one, three) = (try run(words), try run(words, variables: ranks(3)))
        #expect(one.code == 0 && three.code == 0, "\(three.errors)")
        #expect(three.output == one.output)
      }
      for count in [1, 3] {
        let result = try run(
          ["predict", model, table, "--output", "\(folder)/\(count).csv"], variables: ranks(count))
        #expect(result.code == 0 && result.output.isEmpty, "\(result.errors)")
      }
      #expect(try FileBytes("\(folder)/1.csv").copy == FileBytes("\(folder)/3.csv").copy)
    }
  }

  @Test func ranksRecalibrateLikeOneProcess() throws {
    try withTemporaryFolder { folder in
      let model = "\(folder)/model.safetensors"
      #expect(try run(training(model, epochs: 1)).code == 0)
      let one = try run(["recalibrate", model, "digits", "--output", "\(folder)/1.safetensors", "--json"])
      let two = try run(
        ["recalibrate", model, "digits", "--output", "\(folder)/2.safetensors", "--json"], variables: ranks(2))
      #expect(one.code == 0 && two.code == 0, "\(two.errors)")
      #expect(two.output == one.output)
      #expect(try FileBytes("\(folder)/2.safetensors").copy == FileBytes("\(folder)/1.safetensors").copy)
    }
  }

  @Test func aRankWithAnotherModelIsNamed() throws {
    try withTemporaryFolder { folder in
      for (name, epochs) in [("a", 1), ("b", 2)] {
        #expect(try run(training("\(folder)/\(name).safetensors", epochs: epochs)).code == 0)
      }
      let first = ranks(1) + [command!, "evaluate", "\(folder)/a.safetensors", "digits", ":", "-np", "1"]
      let result = try run(["evaluate", "\(folder)/b.safetensors", "digits"], variables: first)
      #expect(result.code == 64 && result.output.isEmpty)
      #expect(result.errors.contains("Rank 1 (") && result.errors.contains("its model is another"), "\(result.errors)")
    }
  }

  @Test func predictionsIntoADatabaseAreOfOneProcess() throws {
    let result = try run(["predict", "x", "y.sqlite", "--into", "t"], variables: ranks(2))
    #expect(result.code == 64 && result.errors.contains("--into writes to a database from one process"))
  }

  @Test func filesOfRanksTrainLikeTheirRowsInOneFile() throws {
    try withTemporaryFolder { folder in
      let rows = (0..<700).map { "\($0 % 7),\(["u", "v", "w"][$0 % 11 % 3]),\($0 % 3 == 0 ? "yes" : "no")\n" }
      let head = "x,kind,class\n"
      try AtomicFile.write(head + rows.joined(), to: "\(folder)/all.csv")
      for (rank, part) in [(0, 0..<500), (1, 500..<500), (2, 500..<700)] {
        try AtomicFile.write(rank == 1 ? "" : head + rows[part].joined(), to: "\(folder)/part-\(rank).csv")
      }
      let one = try run(training("\(folder)/one.safetensors", data: "\(folder)/all.csv"))
      #expect(one.code == 0, "\(one.errors)")
      let three = try run(
        training("\(folder)/three.safetensors", data: "\(folder)/part-{rank}.csv") + ["--shard-files"],
        variables: ranks(3))
      #expect(three.code == 0, "\(three.errors)")
      #expect(
        try FileBytes("\(folder)/three.safetensors").copy == FileBytes("\(folder)/one.safetensors").copy)
    }
  }

  @Test func statisticsOfGroupsOfRanksAreThoseOfGhostBatches() throws {
    try withTemporaryFolder { folder in
      // Digits are 10,000 examples: batches of 150 are 67 of 149 or 150.
      for (words, count, size) in [(["--sync", "none"], 2, 75), (["--sync", "groups:2"], 4, 75)] {
        let (one, several) = ("\(folder)/one.safetensors", "\(folder)/several.safetensors")
        let ghost = try run(training(one) + ["--normalization", "ghost:\(size)"])
        #expect(ghost.code == 0, "\(ghost.errors)")
        let result = try run(training(several) + words, variables: ranks(count))
        #expect(result.code == 0, "\(result.errors)")
        #expect(try FileBytes(several).copy == FileBytes(one).copy, "\(words)")
      }
      let odd = try run(training("\(folder)/x.safetensors") + ["--sync", "groups:2"], variables: ranks(3))
      #expect(odd.code == 64 && odd.errors.contains("cannot be parted into groups of 2"), "\(odd.errors)")
    }
  }
}

@Test(.enabled(if: command != nil), arguments: [["--sync", "none"], ["--shard-files"]])
func whatIsForRanksIsRefusedInOneProcess(_ words: [String]) throws {
  let result = try run(["train", "digits", "--epochs", "1"] + words)
  #expect(result.code == 64 && result.errors.contains("is for several ranks, which mpirun starts"))
}

@Test(.enabled(if: command != nil)) func otherCommandsDoNotRunSeveralTimes() throws {
  let result = try run(["inspect", "x"], variables: ["OMPI_COMM_WORLD_SIZE=2"])
  #expect(result.code == 64)
  #expect(result.errors.contains("inspect runs in one process"), "\(result.errors)")
}
