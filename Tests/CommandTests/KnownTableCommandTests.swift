import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import Glibc
import Testing

private let quick = ["--hidden", "4", "--epochs", "1", "--quiet"]
private let known = "is the table that the model was trained on: it has learned from"

private let visits =
  "id,a,kind,when,w,y\n"
  + (0..<40).map { row in
    "\(row),\(row % 8 == 7 ? "" : "\(row % 8).5"),\(row % 4 == 0 ? "x" : "z"),2024-02-\(10 + row % 20),\(row % 3),"
      + "\(row % 4 == 0 ? "no" : "yes")\n"
  }.joined()

@Suite(.enabled(if: command != nil, "the command is not built"))
struct KnownTableCommandTests {
  /// Hands `body` a folder with a model that was trained on `data` there.
  private func withModel(
    of data: (name: String, bytes: [UInt8]), _ options: [String] = [],
    _ body: (_ path: String, _ folder: String) throws -> Void
  ) throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/\(data.name)"
      writeBytes(data.bytes, to: path)
      let trained = try run(["train", path, "--output", "\(folder)/m.safetensors"] + quick + options)
      try #require(trained.code == 0, "\(trained.errors)")
      try body(path, folder)
    }
  }

  @Test func evaluateSaysThatItIsTheTableThatTheModelWasTrainedOn() throws {
    for data in [("a.csv", Array(smallTable.utf8)), ("a.npy", alignedTable())] {
      try withModel(of: data, ["--validation", "0.1"]) { path, folder in
        let model = "\(folder)/m.safetensors"
        let told = try run(["evaluate", model, path])
        let isCSV = data.0 == "a.csv"
        let trained = try run(["train", path, "--validation", "0.1", "--hidden", "4", "--epochs", "1"]).errors
        let count = try #require(trained.split(separator: ", ").first { $0.hasSuffix(" to train on") }).split(
          separator: " ")[0]
        let end = "\(path) \(known) \(count) of these \(isCSV ? 300 : 256) rows"
        #expect(told.code == 0 && told.errors.contains(end), "\(told)")
        #expect(told.errors.split(separator: "\n").count == 1)
        guard isCSV else { return }
        // The same rows in another order are the same table; fewer rows are another.
        let lines = smallTable.split(separator: "\n")
        let turned = [lines[0]] + lines.dropFirst().reversed()
        for (rows, isKnown) in [(turned, true), (Array(lines.dropLast()), false)] {
          writeBytes(Array((rows.joined(separator: "\n") + "\n").utf8), to: "\(folder)/b.csv")
          let other = try run(["evaluate", model, "\(folder)/b.csv"])
          #expect(other.code == 0 && other.errors.contains(known) == isKnown, "\(other)")
        }
      }
    }
  }

  @Test func inspectListsTheColumnsOfATable() throws {
    try withModel(of: ("a.csv", Array(visits.utf8)), ["--ignore", "id", "--weight", "w"]) { _, folder in
      let model = "\(folder)/m.safetensors"
      let told = try run(["inspect", model])
      #expect(told.code == 0, "\(told.errors)")
      let lines = told.output.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
      let start = try #require(lines.firstIndex(of: "column kind holds becomes"), "\(told.output)")
      let shown = lines[(start + 1)...].prefix(5)
      for (line, (beginning, end)) in zip(
        shown,
        [
          ("a number 0.5 to 6.5, mean 3.", "2 features"), ("kind category 2: x, z", "2 features"),
          ("when date 2024-02-", "6 features"), ("y category 2: no, yes", "the target, 2 classes"),
          ("w number", "the weight"),
        ])
      {
        #expect(line.hasPrefix(beginning) && line.hasSuffix(end), "\(line)")
      }
      let json = try run(["inspect", model, "--json"]).output
      #expect(json.contains(#"{"column":"kind","kind":"category","categories":2,"becomes":"2 features"}"#), "\(json)")
      #expect(json.contains(#"{"column":"a","kind":"number","least":0.5,"greatest":6.5,"mean":3."#), "\(json)")
    }
  }

  @Test func aBatchSizeBeyondTheRowsIsSaidOnlyWhereItWasAskedFor() throws {
    try withTemporaryPath(".csv", containing: visits) { path in
      let asked = try run(["train", path, "--batch-size", "500"] + quick)
      #expect(asked.errors.contains("--batch-size is 500; a batch is all 32 training examples."), "\(asked)")
      for options in [[], ["--batch-size", "32"]] {
        let silent = try run(["train", path] + options + quick)
        #expect(silent.code == 0 && !silent.errors.contains("--batch-size"), "\(silent)")
      }
    }
  }

  @Test func labelsBeyondThoseOfTrainingCountAsWrong() throws {
    let x = { (count: Int) in npy([count, 2], floats: wave(2 * count, 0.9, 1)) }
    let y = { (labels: [Int]) in npy([labels.count], integers: labels) }
    let data = npz([
      "x_train": x(40), "y_train": y((0..<40).map { $0 % 3 }), "x_test": x(8), "y_test": y([0, 1, 2, 7, 0, 1, 2, 3]),
    ])
    try withModel(of: ("a.npz", data)) { path, folder in
      let told = try run(["evaluate", "\(folder)/m.safetensors", path])
      #expect(told.code == 0 && told.output.contains("on 8 examples"), "\(told)")
      #expect(
        told.errors.contains("2 classes do not occur in the training data (\"7\", \"3\"): 2 of the"), "\(told)"
      )
      let trained = try run(["train", path] + quick)
      #expect(trained.errors.contains("2 classes do not occur in the training data"), "\(trained)")
    }
  }
}
