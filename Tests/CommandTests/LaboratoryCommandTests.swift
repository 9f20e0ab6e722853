import Evenkeel
import EvenkeelLab
import EvenkeelTestSupport
import Glibc
import Testing

@Suite(.enabled(if: command != nil, "the command is not built"), .serialized)
struct LaboratoryCommandTests {
  @Test(
    arguments: [
      (64, ["lab", "run", "train-faster"], "did you mean trains-faster?"),
      (64, ["lab", "run", "all", "--budget", "soon"], "--budget"),
      (64, ["lab", "run", "all", "--seeds", "0"], "--seeds"),
      (64, ["lab", "run", "trains-faster", "--budget", "1ms"], "--budget"),
      (64, ["lab", "run", "trains-faster", "--budget", "0.01s"], "the shortest that works is"),
      (64, ["sweep", "--learning-rate", "10..1"], "--learning-rate"), (64, ["sweep", "--trials", "1"], "--trials"),
      (64, ["sweep", "--normalization", "batch,bach", "--trials", "2"], "\"bach\""),
      (64, ["sweep", "--normalization", "none,none"], "twice"),
      (64, ["sweep", "--normalization", "batch,ghost:100000"], "100000"),
      (64, ["sweep", "--batch-size", "1"], "batch"),
      (
        64, ["sweep", "--steps", "9223372036854775807"],
        "The number of steps is 9223372036854775807; expected 1 to 1000000000."
      ),
      (64, ["sweep", "--steps", "0"], "The number of steps is 0"),
      (64, ["sweep", "--trials", "9223372036854775807"], "--trials is 9223372036854775807; expected 1 to 1000000."),
      (64, ["sweep", "--threads", "0"], "--threads is 0; expected at least 1.\n"),
      (64, ["lab", "run", "trains-faster", "--threads", "0"], "--threads is 0; expected at least 1.\n"),
      (64, ["sweep", "--store", ""], "--store is empty"), (64, ["runs", "--store", ""], "--store is empty"),
      (64, ["lab", "run", "trains-faster", "--store", ""], "--store is empty"),
      (64, ["lab", "run", "trains-faster", "--store", "FOLDER/new", "--report", "FOLDER/inner/../new"], "--store"),
      (64, ["sweep", "--store", "FOLDER/new", "--report", "FOLDER/./new-wal"], "--store"),
      (64, ["lab", "report", "--store", "FOLDER/new", "--output", "FOLDER/new-shm"], "--store"),
      (65, ["lab", "run", "trains-faster", "--network", "thirteen"], "[13]"),
      (65, ["sweep", "--network", "thirteen", "--trials", "2"], "[13]"),
      (64, ["lab", "run", "trains-faster", "--data", "sequences"], "[24]"),
      (65, ["lab", "run", "trains-faster", "--data", "one-class"], "one class"),
      (65, ["sweep", "--store", "no-store", "--trials", "2"], "no-store"),
      (66, ["lab", "run", "trains-faster", "--data", "FOLDER/nowhere.csv"], "/nowhere.csv"),
      (66, ["runs", "--store", "FOLDER/nowhere.sqlite"], "/nowhere.sqlite"),
      (74, ["lab", "run", "trains-faster", "--report", "FOLDER/nowhere/r.html"], "/nowhere/r.html"),
      (74, ["sweep", "--trials", "2", "--store", "FOLDER/nowhere/x.sqlite"], "/nowhere/x.sqlite"),
    ] as [(Int32, [String], String)])
  func badInputEndsWithItsExitCodeAndASentence(code: Int32, arguments: [String], part: String) throws {
    try withTemporaryFolder { folder in
      func file(_ name: String) -> String { "\(folder)/\(name)" }
      try Model.writeText("a,class\n" + (0..<100).map { "\($0),x\n" }.joined(), to: file("one-class.csv"))
      try Model.writeText("not a store", to: file("no-store"))
      try Model.writeText(
        "input: [13]\nlayers:\n  - dense: 8\n  - batchNorm\n  - dense: 10\n", to: file("thirteen.yaml"))
      writeBytes(sequenceArchive(), to: file("sequences.npz"))
      try #require(mkdir(file("inner"), 0o700) == 0)
      let files = [
        "one-class": file("one-class.csv"), "no-store": file("no-store"), "thirteen": file("thirteen.yaml"),
        "sequences": file("sequences.npz"),
      ]
      var words = arguments.map { files[$0] ?? $0.replacing("FOLDER", with: folder) }
      if !words.contains("--store") { words += ["--store", file("store.sqlite")] }
      let result = try run(words)
      #expect(result.code == code, "\(result.errors)")
      #expect(result.errors.contains(part) && result.output.isEmpty, "\(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
    }
  }

  /// As behind `| head -1`.
  @Test func outputThatNobodyReadsAnyMoreEndsQuietly() throws {
    try withTemporaryPath(".err") { errors in
      for words in [["lab", "list"], ["lab", "list", "--json"]] {
        let status = end(try start(words, output: nil, errors: errors))
        #expect(status & 0x7f == 0 && status >> 8 & 0xff == 128 + SIGPIPE)
        #expect(try FileBytes(errors).copy.isEmpty)
      }
    }
  }

  @Test func aRowThatDoesNotFitIsASentenceBehindTheOthers() throws {
    try withTemporaryPath(".csv") { table in
      try Model.writeText(smallTable, to: table)
      try withTemporaryFolder { folder in
        let (new, store) = (folder + "/new.sqlite", folder + "/old.sqlite")
        let sweep = ["sweep", table, "--trials", "4", "--steps", "5", "--hidden", "4", "--quiet", "--json", "--store"]
        let before = try run(sweep + [new])
        #expect(before.code == 0, "\(before.errors)")
        try copyAsOldStore(new, to: store)
        try change(store, "UPDATE run SET state = 'odd' WHERE id = 2")
        let sentence = "run 2, column state: expected waiting, running, done or failed, got the text \"odd\""
        let list = try run(["runs", "--store", store, "--json"])
        #expect(list.code == 65 && list.errors.contains(sentence), "\(list.errors)")
        #expect(list.output.split(separator: "\n").count == 3 && list.errors.split(separator: "\n").count == 1)
        for words in [["show", "2"], ["compare", "1", "2"]] {
          let result = try run(["runs"] + words + ["--store", store])
          #expect(result.code == 65 && result.errors.contains(sentence) && result.output.isEmpty, "\(result.errors)")
        }
        let again = try run(sweep + [store])
        #expect(again.code == 0 && again.output == before.output, "the one trial is made anew")
        #expect(again.errors.contains("warning: ") && again.errors.contains(sentence), "\(again.errors)")
        #expect(try run(["runs", "--store", store]).code == 0)
      }
    }
  }

  @Test func claimsAreRunOnDrawnDigitsAndReported() throws {
    try withTemporaryPath(".sqlite") { store in
      try withTemporaryPath(".html") { page in
        func small(_ budget: Int) -> [String] {
          [
            "lab", "run", "bias-redundant", "--budget", "\(budget)s", "--seeds", "2", "--store", store, "--report",
            page,
            "--json", "--quiet",
          ]
        }
        // A slow machine says what it needs at least.
        var budget = 8
        var first = try run(small(budget))
        while first.code == 64 && first.errors.contains("the shortest that works is") && budget < 1_000 {
          budget *= 2
          first = try run(small(budget))
        }
        // On a machine that others use too the time may be over before all is done.
        for _ in 0..<20 where first.code == 130 {
          #expect(first.errors.contains("spent before these were finished: bias-redundant"))
          first = try run(small(budget))
        }
        #expect(first.code == 0 && first.errors.isEmpty, "\(first.errors)")
        #expect(first.output.contains("\"claim\":\"bias-redundant\"") && first.output.contains("\"verdict\""))
        let html = String(decoding: try FileBytes(page).copy, as: UTF8.self)
        #expect(html.contains("<svg") && html.contains("The bias is redundant"))
        let again = try run(small(budget))
        #expect(again.output == first.output, "the same command, nothing run anew")
        unlink(page)
        #expect(try run(["lab", "report", "--output", page, "--store", store]).code == 0)
        #expect(String(decoding: try FileBytes(page).copy, as: UTF8.self).contains("The bias is redundant"))
        let folder = page + ".figures"
        let drawn = ["lab", "report", "--output", page, "--store", store, "--figures", folder]
        #expect(try run(drawn).code == 0)
        let figure = folder + "/bias-redundant-1.svg"
        #expect(String(decoding: try FileBytes(figure).copy, as: UTF8.self).hasPrefix("<svg"))
        unlink(figure)
        rmdir(folder)
      }
      let list = try run(["runs", "--store", store, "--json"])
      #expect(list.code == 0 && list.output.contains("\"state\":\"done\""))
      let shown = try run(["runs", "show", "1", "--store", store])
      #expect(shown.code == 0 && shown.output.contains("learning rate"))
      let compared = try run(["runs", "compare", "1", "2", "--store", store])
      #expect(compared.code == 0 && compared.output.contains("≠ learning rate"))
      let kept = try RunStore(store)
      let stored = try kept.runs().map { try kept.run($0.id) }
      let biases = [Bias.present, .absent].compactMap { bias in
        stored.first { run in
          let layers = ((try? run.trial.network.placed().layers) ?? []).map(\.layer)
          return (layers.first as? Dense)?.bias == bias && layers.contains { $0 is BatchNorm }
        }?.id
      }
      let layers = try run(["runs", "compare", "\(biases[0])", "\(biases[1])", "--store", store])
      #expect(layers.output.contains("≠ layer 0") && !layers.output.contains("layer 1 "), "\(layers.output)")
      #expect(try run(["runs", "show", "100000", "--store", store]).code == 66)
    }
    #expect(try run(["lab", "list"]).output.split(separator: "\n").count == 15)
  }

  /// Killed with trials done and trials running, the same command repeats only the running ones.
  @Test func aKilledSweepGoesOnWhereItStopped() throws {
    try withTemporaryPath(".csv", containing: smallTable) { table in
      // Where a machine is through before it is killed the trials were too short.
      for steps in [4_000, 40_000, 400_000, 4_000_000] {
        let isKilled = try withTemporaryPath(".sqlite") { path in
          let words = [
            "sweep", table, "--trials", "24", "--steps", "\(steps)", "--hidden", "16,16", "--store", path, "--threads",
            "2", "--json",
          ]
          let process = try withTemporaryPath(".out") { try start(words, output: $0, errors: "/dev/null") }
          let hasResults = wait(for: process) {
            ((try? RunStore(reading: path).runs().count { $0.state == .done }) ?? 0) >= 4
          }
          kill(process, SIGKILL)
          let status = end(process)
          try #require(hasResults)
          guard status & 0x7f == SIGKILL else { return false }
          let before = try RunStore(path).runs()
          let finished = before.filter { $0.state == .done }.map(\.id)
          guard finished.count < 24 else { return false }
          let seconds = Dictionary(uniqueKeysWithValues: before.map { ($0.id, $0.seconds) })
          let result = try run(words + ["--quiet"])
          #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
          let after = try RunStore(path).runs()
          #expect(after.count == 24 && after.allSatisfy { $0.state == .done })
          for run in after where finished.contains(run.id) { #expect(run.seconds == seconds[run.id]!) }
          return true
        }
        if isKilled { return }
      }
      Issue.record("no sweep was killed before its end")
    }
  }

  @Test func anInterruptedSweepKeepsWhatIsDone() throws {
    try withTemporaryPath(".sqlite") { path in
      try withTemporaryPath(".err") { errors in
        // No machine is through with such a trial before it is interrupted.
        let process = try start(
          ["sweep", "--trials", "200", "--steps", "100000000", "--store", path], output: "/dev/null", errors: errors)
        let isRunning = wait(for: process) {
          (try? RunStore(reading: path).runs().contains { $0.state == .running }) ?? false
        }
        kill(process, SIGINT)
        #expect(end(process) >> 8 & 0xff == 130)
        try #require(isRunning)
        #expect(
          String(decoding: try FileBytes(errors).copy, as: UTF8.self).contains(
            "Run the same command again to continue."))
        #expect(try RunStore(path).runs().allSatisfy { $0.state == .waiting })
      }
    }
  }
}
