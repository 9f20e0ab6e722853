import Evenkeel
import EvenkeelLab
import EvenkeelTestSupport
import FoundationEssentials
import GRDB
import Glibc
import Testing

/// All that commands read of a store. Nothing but an `EvenkeelError` may be thrown, and each part may throw its own.
private func readEverything(_ path: String, _ keys: [String], _ what: @autoclosure () -> String) {
  func attempt(_ body: () throws -> Void) {
    do { try body() } catch { #expect(error is EvenkeelError, "\(what()): \(error)") }
  }
  attempt {
    let store = try RunStore(path)
    attempt { _ = try store.runs() }
    for id in 1...3 as ClosedRange<Int64> {
      attempt {
        let run = try store.run(id)
        _ = (run.trial.summary, run.trial.evaluationSteps, try run.trial.key, run.result?.steps(to: 0.5))
      }
    }
    for key in keys {
      attempt { _ = try store.result(key) }
      attempt { _ = try store.claim(key) }
    }
    attempt { try store.requireFit() }
    attempt { _ = try store.plans(for: "a", claims: ["scale-and-shift"]) }
    attempt {
      for plan in try store.latestPlans() {
        for claim in Claims.all where claim.name == plan.claim { _ = try claim.trials(plan, .assumed) }
      }
    }
  }
}

/// What stands where a number was.
private let others = [
  "9223372036854775807", "-9223372036854775808", "-1", "0", "1e308", "1e999", "\"nan\"", "\"inf\"", "null", "[]",
  "{}",
  "4294967296", "true", String(repeating: "[", count: 10_000),
]

/// JSON in which one number is something else, drawn from `random`.
private func changed(_ json: String, _ random: inout RandomNumbers) -> String {
  let bytes = Array(json.utf8)
  let isNumber = bytes.map { (48...57).contains($0) || $0 == 45 || $0 == 46 }
  let starts = bytes.indices.filter { isNumber[$0] && ($0 == 0 || !isNumber[$0 - 1]) }
  guard !starts.isEmpty else { return others[random.integer(below: others.count)] }
  let start = starts[random.integer(below: starts.count)]
  let end = bytes[start...].indices.first { !isNumber[$0] } ?? bytes.count
  return String(decoding: bytes[..<start], as: UTF8.self) + others[random.integer(below: others.count)]
    + String(decoding: bytes[end...], as: UTF8.self)
}

@Suite struct StoreDamageTests {
  @Test(arguments: [
    ("score", "'x'", "column score: expected a number or nothing, got the text \"x\""),
    ("seconds", "x'0102'", "column seconds: expected a number or nothing, got 2 bytes"),
    ("rules", "'x'", "column rules: expected a whole number, got the text \"x\""),
    ("rules", "1e300", "column rules: expected a whole number, got the number 1e+300"),
    ("state", "'odd'", "column state: expected waiting, running, done or failed, got the text \"odd\""),
    ("result", "NULL", "column result: expected text, got nothing"),
    ("summary", "x'00'", "column summary: expected text, got 1 bytes"),
  ])
  func aRowThatDoesNotFitIsNamedAndKeptAndTheOthersWork(column: String, value: String, sentence: String) throws {
    try withTemporaryPath(".sqlite") { path in
      let trials = try makeOldStore(path)
      try change(path, "UPDATE run SET \(column) = \(value) WHERE id = 2")
      let store = try RunStore(path)
      #expect(try store.runs().map(\.id) == [1, 3])
      #expect(try store.run(1).result != nil)
      for read in [{ _ = try store.run(2) }, { try store.requireFit() }] {
        expectError("run 2, \(sentence)") { try read() }
      }
      let kept = try store.database.read { db in
        try Bool.fetchOne(db, sql: "SELECT \(column) IS \(value) AND trial LIKE '{%' FROM unfit_run WHERE id = 2")
      }
      #expect(kept == true, "nothing is lost")
      #expect(try store.latestPlans().count == 1)
      // The trial can be asked for again, under a new number.
      try store.add([trials[1]])
      #expect(try store.runs().map(\.id) == [1, 3, 4])
      try store.requireFit()
    }
  }

  @Test func anOldStoreGoesOnAsItWas() throws {
    try withTemporaryPath(".sqlite") { path in
      let trials = try makeOldStore(path)
      let store = try RunStore(path)
      #expect(try store.runs().map(\.state) == [.done, .done, .waiting])
      #expect(try store.results(of: trials).count == 2 && store.claim(trials[2].key))
      #expect(try store.latestPlans().count == 1 && store.unfitRows().isEmpty)
      #expect {
        try store.database.write { try $0.execute(sql: "UPDATE run SET score = 'x' WHERE id = 1") }
      } throws: {
        "\($0)".contains("cannot store TEXT value in REAL column")
      }
    }
  }

  /// Whoever waits for a trial asks again and again whether he may have it.
  @Test func aTrialThatNobodyCanEndIsAnErrorAndNoWait() throws {
    let data = try smallData()
    for (sql, part) in [
      ("UPDATE run SET state = 'odd'", "column state"), ("UPDATE run SET owner = NULL", "column owner"),
      ("DELETE FROM run", "lost"),
    ] {
      try withTemporaryPath(".sqlite") { path in
        let trials = try makeOldStore(path, isLoose: true)
        try change(path, "UPDATE run SET state = 'running', owner = 'a|1|1', seen = 1e300; \(sql)")
        let store = try RunStore(path)
        expectError(part) { _ = try store.claim(trials[0].key) }
        if part != "lost" {
          expectError(part) { try TrialRunner(store: store, data: data, threads: 1).run(trials) }
        }
      }
    }
  }

  @Test(arguments: [
    ("trial", "{\"steps\":1}", "column trial: expected a trial as JSON: the key \"network\" is missing"),
    ("result", "{", "column result: expected a trial's result as JSON"),
  ])
  func whatIsNoJSONOfItsKindIsNamed(column: String, text: String, sentence: String) throws {
    try withTemporaryPath(".sqlite") { path in
      _ = try makeOldStore(path)
      try change(path, "UPDATE run SET \(column) = ? WHERE id = 1", [text])
      let store = try RunStore(path)
      expectError("\(path) is damaged: run 1, \(sentence)") { _ = try store.run(1) }
    }
  }

  @Test func aNewerStoreAndOneWithAnotherFormAreLeftAsTheyAre() throws {
    for (sql, part) in [
      ("INSERT INTO grdb_migrations VALUES ('99: what is to come')", "newer Evenkeel"),
      ("ALTER TABLE run RENAME COLUMN score TO points", "no column score"),
      ("ALTER TABLE run ADD COLUMN note", "a column note"),
      ("DROP TABLE grdb_migrations", "\"grdb_migrations\" is missing"),
      (
        "DROP TABLE grdb_migrations; CREATE TABLE grdb_migrations (identifier); INSERT INTO grdb_migrations VALUES (NULL)",
        "column identifier: expected text, got nothing"
      ),
    ] {
      try withTemporaryPath(".sqlite") { path in
        _ = try makeOldStore(path)
        try change(path, sql)
        let before = try FileBytes(path).copy
        expectError(part) { _ = try RunStore(path) }
        #expect(try FileBytes(path).copy == before)
      }
    }
  }

  /// Every column of either form with what it should not hold.
  @Test(arguments: [false, true])
  func oddValuesAreErrorsAndNothingElse(isLoose: Bool) throws {
    try withTemporaryPath(".sqlite") { path in
      let keys = try makeOldStore(path, isLoose: isLoose).map { try $0.key }
      let valid = try FileBytes(path).copy
      var random = RandomNumbers(RandomKey(seed: 3))
      let columns: [(table: String, name: String)] = try DatabaseQueue(path: path).read { db in
        try Row.fetchAll(
          db,
          sql:
            "SELECT m.name AS t, c.name AS c FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'"
        ).map { ($0["t"], $0["c"]) }
      }
      let values: [DatabaseValue] = [
        .null, "".databaseValue, "odd".databaseValue, "running".databaseValue, Int64.max.databaseValue,
        Int64.min.databaseValue, (-1).databaseValue, 1e308.databaseValue, Double.infinity.databaseValue,
        Data([0, 255, 128]).databaseValue, "{\"a\":1}".databaseValue,
        String(repeating: "[", count: 10_000).databaseValue,
      ]
      /// Reads a store in which each row of a table has the value that `value` gives.
      func read(_ table: String, _ column: String, _ value: (_ row: Int) throws -> DatabaseValue) throws {
        renew(path, valid)
        var shown: [String] = []
        for row in 1...(table == "run" ? 3 : 1) {
          let odd = try value(row)
          shown.append("\(odd)")
          // What a table's own rules refuse is no damage that a file could have.
          try? change(path, "UPDATE \(table) SET \(column) = ? WHERE rowid = ?", [odd, row])
        }
        readEverything(path, keys, "\(table).\(column) = \(shown.map { $0.prefix(2_000) })")
      }
      for (table, column) in columns {
        for start in stride(from: 0, to: values.count, by: table == "run" ? 3 : 1) {
          try read(table, column) { values[start + $0 - 1] }
        }
        guard isLoose, ["trial", "result", "plan"].contains(column), !table.hasPrefix("unfit") else { continue }
        renew(path, valid)
        let texts = try DatabaseQueue(path: path).read {
          try String.fetchAll($0, sql: "SELECT coalesce(\(column), '{}') FROM \(table) ORDER BY rowid")
        }
        for _ in 0..<60 { try read(table, column) { changed(texts[$0 - 1], &random).databaseValue } }
      }
    }
  }

  @Test func damagedBytesAreErrorsAndNothingElse() throws {
    try withTemporaryPath(".sqlite") { path in
      let keys = try makeOldStore(path).map { try $0.key }
      let old = try FileBytes(path).copy
      try RunStore(path).database.close()
      let valid = [old, try FileBytes(path).copy]
      var random = RandomNumbers(RandomKey(seed: 5))
      for round in 0..<1_000 {
        var bytes = valid[round % 4 == 0 ? 0 : 1]
        for _ in 0...random.integer(below: 4) where !bytes.isEmpty {
          let place = random.integer(below: bytes.count)
          switch random.integer(below: 5) {
          case 0: bytes.removeLast(random.integer(below: bytes.count))
          case 1: bytes[random.integer(below: min(108, bytes.count))] = UInt8(random.integer(below: 256))
          // The head of a page, where its cells are told.
          case 2: bytes[min(bytes.count - 1, place / 4_096 * 4_096 + place % 64)] = UInt8(random.integer(below: 256))
          case 3: for index in place..<min(bytes.count, place + 16) { bytes[index] = 0 }
          default: bytes[place] = UInt8(random.integer(below: 256))
          }
        }
        renew(path, bytes)
        readEverything(path, keys, "round \(round)")
      }
    }
  }
}
