import Evenkeel
import EvenkeelTestSupport
import Glibc
import Testing

/// Runs a line of the shell, with `$evenkeel` and `$python`.
private func shell(_ line: String, in folder: String) throws -> (code: Int32, output: String) {
  let setting = "cd '\(folder)'; evenkeel='\(command!)'; python=\(python); export OMP_NUM_THREADS=1; "
  let pipe = try #require(popen("{ \(setting)\(line); } 2>&1", "r"))
  var output = ""
  var text = [CChar](repeating: 0, count: 4_096)
  while fgets(&text, Int32(text.count), pipe) != nil {
    output += String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
  return (pclose(pipe) >> 8 & 0xff, output)
}

/// Python as the package's environment has it, else the system's.
private let python: String = {
  let own = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/.venv/bin/python"
  return access(own, X_OK) == 0 ? "'\(own)'" : "python3"
}()

private func has(_ module: String) -> Bool {
  system(
    "\(python) -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec(\"\(module)\") is None)' 2>/dev/null")
    == 0
}

@Suite(.enabled(if: command != nil, "the command is not built"))
struct PipeCommandTests {
  /// Hands `body` a folder with a table, a model of it and a Parquet file of the same rows, which `write` makes of t.csv.
  private func withParquet(_ write: String, _ body: (String) throws -> Void) throws {
    try withTemporaryFolder { folder in
      writeBytes(Array(smallTable.utf8), to: "\(folder)/t.csv")
      let made = try shell(
        "$evenkeel train t.csv --hidden 4 --epochs 1 --quiet --output m.safetensors && $python -c \"\(write)\"",
        in: folder)
      try #require(made.code == 0, "\(made.output)")
      try body(folder)
    }
  }

  /// What a pipe from `read` gives is what the CSV file gives.
  private func expectSame(_ read: String, in folder: String) throws {
    for words in ["predict m.safetensors", "evaluate m.safetensors"] {
      let piped = try shell("$python -c \"\(read)\" | $evenkeel \(words) -", in: folder)
      let file = try shell("$evenkeel \(words) t.csv", in: folder)
      #expect(piped.code == 0 && piped.output.split(separator: "\n").count > 3, "\(piped.output)")
      #expect(piped.output.replacing("standard input", with: "t.csv") == file.output)
    }
  }

  @Test(.enabled(if: command != nil && has("duckdb"), "duckdb is not installed"))
  func aParquetFileIsPredictedAndEvaluatedThroughDuckDB() throws {
    try withParquet("import duckdb; duckdb.sql('''copy (from 't.csv') to 't.parquet' ''')") { folder in
      try expectSame(
        "import duckdb; duckdb.sql('''copy (from 't.parquet') to '/dev/stdout' (format csv)''')", in: folder)
    }
  }

  @Test(.enabled(if: command != nil && has("pyarrow"), "pyarrow is not installed"))
  func aParquetFileIsPredictedAndEvaluatedThroughPyArrow() throws {
    try withParquet(
      "import pyarrow.csv as c, pyarrow.parquet as p; p.write_table(c.read_csv('t.csv'), 't.parquet')"
    ) { folder in
      try expectSame(
        "import sys, pyarrow.csv as c, pyarrow.parquet as p; c.write_csv(p.read_table('t.parquet'), sys.stdout.buffer)",
        in: folder)
    }
  }

  @Test func evaluateReadsATableFromStandardInput() throws {
    try withTemporaryFolder { folder in
      writeBytes(Array(smallTable.utf8), to: "\(folder)/t.csv")
      let made = try shell("$evenkeel train t.csv --hidden 4 --epochs 1 --quiet --output m.safetensors", in: folder)
      try #require(made.code == 0, "\(made.output)")
      let piped = try shell("cat t.csv | $evenkeel evaluate m.safetensors -", in: folder)
      #expect(piped.code == 0 && piped.output.contains("on 300 examples"), "\(piped.output)")
      let database = try shell("printf 'SQLite format 3\\0more' | $evenkeel evaluate m.safetensors -", in: folder)
      #expect(database.code == 65 && database.output.contains("is an SQLite database, which is read where it lies"))
    }
  }
}
