/// Files of other programs that hold tables, known by their first bytes, and the way from each to one that is read.
enum ForeignFormat {
  private static let kinds: [(magic: [UInt8], name: String, way: String)] = [
    (Array("PAR1".utf8), "Parquet", duckdb), (Array("ARROW1".utf8), "Arrow", pandas("feather")),
    (Array("FEA1".utf8), "Feather", pandas("feather")), (Array("ORC".utf8), "ORC", pandas("orc")),
    (Array("Obj\u{1}".utf8), "Avro", "write it as CSV"),
    ([0x89] + Array("HDF\r\n".utf8), "HDF5", pandas("hdf")),
    ([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1], "an old Excel workbook (XLS)", "save it as CSV (UTF-8)"),
    (Array("RDX2\n".utf8), "data of R", inR), (Array("RDX3\n".utf8), "data of R", inR),
    (Array("X\n\0\0\0".utf8), "data of R", inR), (Array("$FL2".utf8), "data of SPSS", pandas("spss")),
    (Array("<stata_dta>".utf8), "data of Stata", pandas("stata")),
    ([0x28, 0xb5, 0x2f, 0xfd], "compressed by Zstandard", "unpack it by unzstd"),
    (Array("BZh".utf8), "compressed by bzip2", "unpack it by bunzip2"),
    ([0xfd] + Array("7zXZ\0".utf8), "compressed by XZ", "unpack it by unxz"),
    (Array("7z".utf8) + [0xbc, 0xaf, 0x27, 0x1c], "a 7z archive", "unpack it"),
    (Array("%PDF-".utf8), "a PDF", "write its tables as CSV"),
    (Array("<!DOCTYPE html".utf8), "a web page", "download the table itself"),
    (Array("<html".utf8), "a web page", "download the table itself"),
  ]
  private static let duckdb = "duckdb -csv -c \"from 'FILE'\" > table.csv"
  private static let inR = "write.csv in R makes a CSV file"
  private static func pandas(_ format: String) -> String {
    "pandas.read_\(format)('FILE').to_csv('table.csv', index=False)"
  }

  /// - Throws: `EvenkeelError` with code `data` that names the format, if it is one of these.
  static func requireNone(_ bytes: FileBytes) throws {
    let content = bytes.bytes
    if let kind = kinds.first(where: { content.starts(with: $0.magic) }) {
      throw refusal(bytes, kind.name, kind.way)
    }
    if content.starts(with: SQLiteDatabase.magic) {
      throw EvenkeelError.data(
        "\(bytes.name): it is an SQLite database, which is read where it lies, not from a pipe nor compressed.")
    }
    // An NPZ file is a ZIP archive too.
    guard content.starts(with: [0x50, 0x4b, 3, 4]) else { return }
    let beginning = String(decoding: content.prefix(2048), as: UTF8.self)
    if beginning.contains("[Content_Types].xml") || beginning.contains("xl/") {
      throw refusal(bytes, "an Excel workbook (XLSX)", "save it as CSV (UTF-8)")
    }
    if beginning.contains("opendocument.spreadsheet") {
      throw refusal(bytes, "a spreadsheet (ODS)", "save it as CSV (UTF-8)")
    }
  }

  private static func refusal(_ bytes: FileBytes, _ name: String, _ way: String) -> EvenkeelError {
    .data("\(bytes.name): it is \(name), which is not read; make a CSV file of it: \(way).")
  }
}
