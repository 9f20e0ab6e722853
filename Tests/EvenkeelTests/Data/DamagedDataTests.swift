import Evenkeel
import EvenkeelTestSupport
import Testing

@Test func damagedIDXFilesAreErrorsAndNothingElse() {
  let valid: [UInt8] = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 2] + (0..<12).map { UInt8($0) }
  fuzz(valid) { _ = try IDXFile(FileBytes($0, name: "images"), axes: 3) }
}

@Test func damagedGzipFilesAreErrorsAndNothingElse() {
  // gzip of "a,b\n1,2\n", made by gzip -n.
  let valid: [UInt8] = [
    0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b, 0xd4, 0x49, 0xe2, 0x32, 0xd4, 0x31, 0xe2, 2, 0, 0x7b, 0x07, 0x97, 0x0a, 8,
    0, 0, 0,
  ]
  fuzz(valid) { _ = try FileBytes($0, name: "table") }
}

@Test func damagedTablesAreErrorsAndNothingElse() {
  let valid = Array("name,\"a \"\"b\"\"\",y\r\nx,1.5,0\r\nz,NA,1\r\nx,3,0\r\n".utf8)
  fuzz(valid) {
    _ = try Dataset.csv(FileBytes($0, name: "table"))
  }
}

@Test func damagedDatabasesAreErrorsAndNothingElse() throws {
  let rows = (0..<60).map { row in
    // Texts that are longer than a page go on in others.
    "(\(row), \(row % 3).5, '\(row % 2 > 0 ? "x" : String(repeating: "long ", count: row % 10 > 0 ? 3 : 150))', \(row % 2))"
  }
  try withTemporaryPath(".sqlite") { path in
    try makeDatabase(
      path, pageSize: 512, "create table t (id integer primary key, a real, kind text, y)",
      "create index kinds on t (kind, a)", "create view v as select a, kind, y from t where id > 5",
      "insert into t values \(rows.joined(separator: ","))")
    let valid = try FileBytes(path).copy
    #expect(valid.count > 10 * 512)
    let choices: [DatabaseRows] = [
      .table("t"), .table("v"), .query("select kind, max(y) as y from t group by kind, a"),
    ]
    for rows in choices { _ = try Dataset.read(path, rows: rows) }
    // Without its first bytes it is text, whose test is another.
    let magic = valid.prefix(16)
    var count = 0
    fuzz(Array(valid.dropFirst(16))) { bytes in
      writeBytes(magic + bytes, to: path)
      count += 1
      _ = try Dataset.read(path, rows: choices[count % choices.count])
    }
  }
}
