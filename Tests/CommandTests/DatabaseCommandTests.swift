import Evenkeel
import EvenkeelTestSupport
import Glibc
import Testing

private let rows = (0..<80).map { row in
  "(\(row == 5 ? "NULL" : "\(100 + row)"), \(row % 7 == 3 ? "NULL" : "\(row % 9)"), '\(row % 2 > 0 ? "p" : "q")', "
    + "\(row % 9 > 4 ? "'high'" : "'low'"))"
}.joined(separator: ",")

private let options = ["--hidden", "4", "--epochs", "1", "--batch-size", "16", "--quiet"]

@Suite(.enabled(if: command != nil, "the command is not built"))
struct DatabaseCommandTests {
  private func withModel(_ body: (_ database: String, _ model: String) throws -> Void) throws {
    try withTemporaryPath(".sqlite") { database in
      try makeDatabase(database, "create table t (id, a, kind, y)", "insert into t values \(rows)")
      try withTemporaryPath { model in
        defer { unlink(String(model.dropLast(12)) + ".checkpoint.safetensors") }
        let trained = try run(["train", database, "--table", "t", "--ignore", "id", "--output", model] + options)
        #expect(trained.code == 0, "\(trained.errors)")
        try body(database, model)
      }
    }
  }

  @Test func aDatabaseIsTrainedOnDescribedEvaluatedAndPredictedReadOnly() throws {
    try withModel { database, model in
      let before = try FileBytes(database).copy
      chmod(database, 0o400)
      let described = try run(["describe", database, "--query", "select a, y from t"])
      #expect(described.code == 0 && described.output.contains("\na       number"), "\(described)")
      let quality = try run(["evaluate", model, database, "--query", "select * from t where y = 'low'"])
      #expect(quality.code == 0 && quality.output.contains("on 45 examples"), "\(quality)")
      let predicted = try run(["predict", model, database, "--keep", "id", "--probabilities", "none"])
      let lines = predicted.output.split(separator: "\n")
      #expect(predicted.code == 0 && lines.count == 81 && lines[0] == "id,prediction", "\(predicted)")
      #expect(lines[1].hasPrefix("100,") && lines[6].hasPrefix(","))
      let both = try run(["predict", model, database, "--table", "t", "--query", "select 1"])
      #expect(both.code == 64 && both.errors.contains("use one of them"), "\(both)")
      for word in [["evaluate", model], ["predict", model], ["train"], ["describe"]] {
        let refused = try run(word + [database, "--table", "u"])
        #expect(refused.code == 64 && refused.errors.contains("has no table \"u\"; it has t."), "\(refused)")
      }
      #expect(try FileBytes(database).copy == before)
    }
  }

  @Test func predictionsGoIntoANewTableWithTheValuesThatAreKept() throws {
    try withModel { database, model in
      let csv = try run(["predict", model, database, "--probabilities", "high"]).output.split(separator: "\n")
        .dropFirst()
      let made = try run([
        "predict", model, database, "--table", "t", "--into", "p \"1\"", "--keep", "id,kind", "--probabilities", "high",
      ])
      #expect(made.code == 0 && made.output.isEmpty && made.errors.isEmpty, "\(made)")
      let cells = try quotedCells("select * from \"p \"\"1\"\"\"", in: database)
      #expect(cells.count == 80 && cells[0].prefix(2) == ["100", "'q'"] && cells[5].prefix(2) == ["NULL", "'p'"])
      for (row, line) in zip(cells, csv) {
        let parts = line.split(separator: ",")
        #expect(row[2] == "'\(parts[0])'" && Double(row[3]) == Double(parts[1]), "\(row) \(line)")
      }
      let names = try quotedCells("select name, type from pragma_table_info('p \"1\"')", in: database)
      #expect(
        names == [
          ["'id'", "''"], ["'kind'", "''"], ["'prediction'", "'TEXT'"], ["'probability of high'", "'REAL'"],
        ])
      // It is there now, so the next one is refused, and so is one that fails half way.
      let again = try run(["predict", model, database, "--table", "t", "--into", "P \"1\""])
      #expect(again.code == 64 && again.errors.contains("has a table \"P \"1\"\" already"), "\(again)")
      try makeDatabase(database, "insert into t values (1, 'not a number', 'p', 'low')")
      let failed = try run(["predict", model, database, "--table", "t", "--into", "half"])
      #expect(failed.code == 65 && failed.errors.contains("row 81, column a: expected a number"), "\(failed)")
      #expect(try quotedCells("select name from sqlite_master where name = 'half'", in: database).isEmpty)
    }
  }

  @Test func aTableOfPredictionsNeedsADatabaseThatCanBeWrittenAndNamesThatDiffer() throws {
    try withModel { database, model in
      for (words, code, sentence) in [
        ([database, "--into", "p", "--output", "/tmp/p.csv"], 64, "use one of them"),
        ([database, "--into", "p", "--keep", "id,prediction"], 64, "no column \"prediction\" to keep"),
        (
          [database, "--into", "p", "--query", "select *, 1 as prediction from t", "--keep", "prediction"], 64,
          "two columns"
        ),
        ([database, "--into", "sqlite_p"], 74, "reserved"),
        (["/dev/null", "--into", "p"], 64, "can be made in an SQLite database only"),
      ] as [([String], Int32, String)] {
        let refused = try run(["predict", model] + words)
        #expect(refused.code == code && refused.errors.contains(sentence), "\(refused)")
      }
      #expect(try quotedCells("select count(*) from sqlite_master", in: database) == [["1"]])
    }
  }
}
