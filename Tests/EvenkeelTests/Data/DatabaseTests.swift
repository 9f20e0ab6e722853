import Evenkeel
import EvenkeelTestSupport
import Testing

/// The rows of a table as SQL literals, made from a CSV text whose cells hold neither commas nor quotes; a cell that is empty is NULL.
private func values(_ csv: String) -> String {
  csv.split(separator: "\n").dropFirst().map { line in
    "("
      + line.split(separator: ",", omittingEmptySubsequences: false).map { cell in
        cell.isEmpty ? "NULL" : Double(cell) != nil ? String(cell) : "'\(cell)'"
      }.joined(separator: ",") + ")"
  }.joined(separator: ",")
}

private let csv =
  "id,a,kind,when,y\n"
  + (0..<60).map { row in
    "\(row),\(row % 7 == 3 ? "" : "\(row % 5).25"),\(row % 3 == 0 ? "x" : "z"),2024-01-\(10 + row % 10),"
      + "\(row % 4 == 0 ? "no" : row == 9 ? "" : "yes")\n"
  }.joined()

private func withDatabase(_ statements: String..., body: (String) throws -> Void) throws {
  try withTemporaryPath(".sqlite") { path in
    for statement in statements { try makeDatabase(path, statement) }
    try body(path)
  }
}

private let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.001))

@Test func aDatabaseGivesTheSameDataAsTheSameRowsInCSV() throws {
  try withDatabase("create table t (id, a, kind, \"when\", y)", "insert into t values \(values(csv))") { path in
    try withTemporaryPath(".csv", containing: csv) { text in
      let ours = try Dataset.read(path, ignoring: ["id"], validation: .share(0.2), seed: 3)
      let theirs = try Dataset.read(text, ignoring: ["id"], validation: .share(0.2), seed: 3)
      for (one, other) in [
        (ours.training, theirs.training), (ours.validation, theirs.validation), (ours.test, theirs.test),
      ] {
        #expect(one.allRows == other.allRows && one.fingerprint == other.fingerprint)
      }
      #expect(ours.training.encoding == theirs.training.encoding)
      #expect(ours.warnings == ["\(path): 1 row has no target and is left out: row 10."])
      let described = try #require(try Dataset.describe(path, ignoring: ["id"]).columns)
      #expect(described.map(\.kind) == ["number", "number", "category", "date", "category"])
    }
  }
}

@Test func aQueryChoosesRowsColumnsAndTheirOrder() throws {
  try withDatabase(
    "create table people (id integer primary key, age, town)", "create table answers (person, y)",
    "insert into people values (1, 20, 'A'), (2, 30, 'B'), (3, 40, 'A')",
    "insert into answers values (3, 1.5), (1, 2.5), (2, 3.5)"
  ) { path in
    let query = """
      select age, town, y from people join answers on person = id -- the answers
      where age > 20 order by age desc;
      """
    let whole = try Dataset.read(path, rows: .query(query), test: .share(0)).training
    #expect(whole.encoding?.featureNames == ["age", "town=A", "town=B"])
    #expect(Set(whole.allRows) == [[40, 1, 0], [30, 0, 1]])
    let table = try Dataset.read(path, rows: .table("ANSWERS"), test: .share(0)).training
    #expect(table.encoding?.featureNames == ["person"] && table.count == 3)
  }
}

@Test func numbersOfADatabaseKeepEveryDigit() throws {
  let numbers = [
    "1.0 / 10": 0.1, "-1.0 / 3": -1.0 / 3, "4503599627370496.0 / 3": 0x1p52 / 3, "1.0 / 1024 / 1024 / 3": 0x1p-20 / 3,
    "9007199254740993": 9_007_199_254_740_993, "'0.25'": 0.25, "-7": -7,
  ]
  let rows = numbers.keys.map { "(1, \($0))" }.joined(separator: ",")
  try withDatabase("create table t (a, y)", "insert into t values \(rows)") { path in
    let targets = try #require(try Dataset.read(path, test: .share(0)).training.targetValues)
    #expect(Set(targets) == Set(numbers.values))
  }
}

@Test func aTextAmongNumbersIsReadAsInCSVAndNamedByItsRow() throws {
  let rows = (1...30).map { row in
    // Lines within a text are no rows.
    "(\(row == 21 ? "'f'" : "\(row % 4)"), 'a \"text\",\nof \(row % 2)', \(row % 3))"
  }
  try withDatabase("create table t (a, note, y)", "insert into t values \(rows.joined(separator: ","))") { path in
    let splits = try Dataset.read(path, test: .share(0))
    #expect(splits.warnings.count == 1 && splits.warnings[0].contains("a (\"f\" in row 21)"), "\(splits.warnings)")
    let names = splits.training.encoding?.featureNames ?? []
    #expect(names.contains("note=a \"text\",\nof 1") && names.contains("a=f"))
    // A model that was trained on numbers alone names the row where there is a text.
    let numbers = try Dataset.read(path, rows: .query("select a, y from t where a <> 'f'"), test: .share(0)).training
    var model = try Model(.multilayer(input: 1, hidden: [2], outputs: 3))
    try trainer.fit(&model, to: numbers, epochs: 1)
    guard case .parts(let parts) = try Dataset.openForUse(path, by: ModelEnsemble([model]), targets: false) else {
      return
    }
    expectError("\(path), row 21, column a: expected a number, got \"f\"") {
      _ = try parts.forEach { _ in
      } then: { _ in
      }
    }
  }
}

@Test func aDatabaseInPartsIsTheDatabaseInOnePiece() throws {
  try withDatabase(
    "create table t (a, b, c, y)",
    """
    insert into t with recursive n(i) as (values (1) union all select i + 1 from n where i < 40000)
    select i % 97, 'text ' || i % 5, case when i % 11 = 0 then null else i + 0.5 end, i % 2 from n
    """
  ) { path in
    let training = try Dataset.read(path, rows: .query("select * from t limit 500")).training
    var model = try Model(.multilayer(input: training.shape.count, hidden: [2], outputs: 2))
    try trainer.fit(&model, to: training, epochs: 1)
    let whole = try Dataset.readForUse(path, by: model, targets: true).dataset
    guard
      case .parts(let parts) = try Dataset.openForUse(
        path, by: ModelEnsemble([model]), targets: true, keeping: ["c"])
    else {
      return
    }
    var (found, kept, count): ([[Float]], [String], Int) = ([], [], 0)
    _ = try parts.forEach {
      ($0.kept, $0.dataset.allRows)
    } then: { texts, part in
      found += part
      kept += texts
      count += 1
    }
    #expect(found == whole.allRows && count > 1)
    #expect(kept.count == 40_000 && kept[9] == "10.5" && kept[10].isEmpty)
  }
}

@Test func whatIsNoTableOfADatabaseIsNamed() throws {
  try withDatabase(
    "create table a (x, y)", "create view b as select * from a", "create table c (x, x2)",
    "insert into a values (1, 2), (x'00', 4)"
  ) { path in
    func refuse(_ rows: DatabaseRows?, _ sentence: String, _ code: EvenkeelError.Code = .usage) {
      expectError(sentence, code: code) { _ = try Dataset.read(path, rows: rows) }
    }
    refuse(.table("d"), "\(path) has no table \"d\"; it has a, b, c.")
    refuse(nil, "\(path) has the tables a, b, c; choose one by --table or rows by --query.")
    refuse(.query("select z from a"), "no such column: z in the query; the tables are a, b, c.")
    refuse(.query("selekt"), "syntax error")
    refuse(.query("select 1; select 2"), "expected one statement")
    refuse(.query(" -- nothing"), "expected one statement")
    for query in ["delete from a", "insert into a values (5, 6) returning x", "attach '/tmp/x' as x", "begin"] {
      refuse(.query(query), "the query does not only read; expected a SELECT")
    }
    refuse(.query("select * from a where x = ?"), "the query has parameters")
    refuse(.query("select x, y, x from a"), "the query gives two columns \"x\"; rename one of them by AS")
    refuse(.table("a"), "\(path), row 2, column x: expected a number or a text, got a BLOB", .data)
    refuse(.table("c"), "\(path): there are no rows.", .data)
    expectError("can be chosen of an SQLite database only", code: .usage) {
      _ = try Dataset.read("digits", rows: .table("a"))
    }
    #expect(try quotedCells("select count(*) from a", in: path) == [["2"]])
    // Damaged, it is an error too, whatever the damage.
    let bytes = try FileBytes(path).copy
    try withTemporaryPath(".sqlite", containing: Array(bytes.prefix(bytes.count / 2))) { cut in
      #expect(throws: EvenkeelError.self) { try Dataset.read(cut, rows: .table("a")) }
    }
  }
}
