import Evenkeel
import EvenkeelTestSupport
import FoundationEssentials
import Glibc
import Testing

@Suite(.enabled(if: command != nil, "the command is not built"))
struct TrainingPageCommandTests {
  @Test func aTrainingEndsWithItsPage() throws {
    try withTemporaryFolder { folder in
      let (table, page) = (folder + "/o'clock.csv", folder + "/page.html")
      writeBytes(Array(smallTable.utf8), to: table)
      let options = ["--epochs", "3", "--hidden", "8", "--validation", "0.2", "--quiet", "--report", page]
      let told = try run(["train", table] + options)
      #expect(told.code == 0 && told.output.contains("report: \(page)\n"), "\(told)")
      let html = String(decoding: try FileBytes(page).copy, as: UTF8.self)
      for text in [
        "class, predicted from o&#39;clock.csv", "300 rows, 192 to train on, 48 to validate on, 60 to test on",
        "3 epochs in ", "accuracy on the 60 rows of the test part", "Always “", "Confusion matrix",
        "What each column is worth",
        "Running σ²", "o&#39;\\&#39;&#39;clock.csv&#39; --epochs 3 --hidden 8 --validation 0.2 --quiet --report ",
      ] {
        #expect(html.contains(text), "\(text)")
      }
      let json = try run(["train", table, "--json", "--members", "1"] + options)
      #expect(json.code == 0 && json.output.split(separator: "\n").count == 4, "\(json)")
    }
  }

  @Test func imagesHaveAPageWithoutImportance() throws {
    try withTemporaryFolder { folder in
      let (model, page) = (folder + "/m.safetensors", folder + "/page.html")
      let options = ["--epochs", "1", "--hidden", "16", "--quiet"]
      #expect(try run(["train", "digits", "--report", page, "--output", model] + options).code == 0)
      let html = String(decoding: try FileBytes(page).copy, as: UTF8.self)
      #expect(html.contains("A model of digits") && html.contains("Confusion matrix"))
      #expect(!html.contains("What it looks at") && html.contains("Its normalization"))
      #expect(try run(["evaluate", model, "digits", "--report", page]).code == 0)
      let results = String(decoding: try FileBytes(page).copy, as: UTF8.self)
      #expect(results.contains("m.safetensors") && results.contains("Reliability") && !results.contains("The training"))
    }
  }

  @Test func anInterruptedTrainingHasAPageOfWhatThereIs() throws {
    try withTemporaryFolder { folder in
      let (page, errors, output) = (folder + "/page.html", folder + "/err", folder + "/out")
      // No machine is through with so many epochs before it is interrupted.
      let process = try start(
        ["train", "digits", "--epochs", "1000000", "--hidden", "8", "--json", "--report", page], output: output,
        errors: errors)
      let isRunning = wait(for: process) {
        (try? FileBytes(output).copy).map { $0.contains(UInt8(ascii: "\n")) } ?? false
      }
      kill(process, SIGINT)
      #expect(end(process) >> 8 & 0xff == 130)
      try #require(isRunning)
      let html = String(decoding: try FileBytes(page).copy, as: UTF8.self)
      #expect(html.contains("Interrupted in epoch ") && html.contains(" of 1000000 epochs in "))
      #expect(html.contains("training-figure-1") && html.contains("Running σ²"))
      #expect(!html.contains("Confusion matrix"))
    }
  }

  @Test func aReportThatCannotBeWrittenIsAnErrorBeforeTraining() throws {
    try withTemporaryFolder { folder in
      let (table, model) = (folder + "/t.csv", folder + "/m.safetensors")
      writeBytes(Array(smallTable.utf8), to: table)
      for (options, code, sentence) in [
        (["--report", table], 64, "is an input of this command and cannot be the report too"),
        (["--output", model, "--report", model], 64, "is where --output goes"),
        (["--report", folder + "/no/page.html"], 74, "no/page.html"),
      ] as [([String], Int32, String)] {
        let refused = try run(["train", table] + options)
        #expect(refused.code == code && refused.errors.contains(sentence), "\(options): \(refused)")
        #expect(!refused.errors.contains("to train on"))
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["t.csv"])
    }
  }
}
