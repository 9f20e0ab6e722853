extension Dataset {
  /// Encodes a table for training into a file of its own, in memory that does not grow with the features: `read` takes it in the place of
  /// the table.
  /// - Parameters:
  ///   - path: A CSV file, or `-` for one on standard input, or an SQLite database.
  ///   - rows: Those of a database; nil: of its only table.
  ///   - output: The file, which is written whole or not at all.
  ///   - validation: The share of rows set apart for validation.
  ///   - test: The share of rows set apart for the test.
  /// - Returns: The parts, and the size of the file.
  /// - Throws: `EvenkeelError`: as `csv`; `usage` for data that is no table of named columns, `cannotWrite`.
  package static func encode(
    _ path: String, rows: DatabaseRows? = nil, to output: String, target: String? = nil, weight: String? = nil,
    ignoring ignored: [String] = [], options: TableOptions = TableOptions(), validation: Double = 0, test: Double = 0,
    seed: UInt64 = 0
  ) throws -> (splits: DatasetSplits, size: Int) {
    let isFile = try path != "digits" && (path == "-" || !Folder.isFolder(path))
    func requireTable(_ isTable: Bool) throws {
      guard isTable else {
        throw EvenkeelError.usage("\(path): only a table of named columns is encoded; train reads other data as it is.")
      }
    }
    try requireTable(isFile)
    let bytes = try FileBytes.ofData(path, rows: rows)
    return try bytes.reading {
      try ForeignFormat.requireNone(bytes)
      let source = try SourceFingerprint(of: path)
      try requireTable(EncodedTable(bytes) == nil && NumpyFile(bytes) == nil)
      var fitted = try FittedTable(
        bytes, target: target, weight: weight, ignoring: ignored, options: options, validation: validation, test: test,
        seed: seed, room: 0)
      return try AtomicFile.write(to: output) { descriptor in
        let encoded = try EncodedTable.write(&fitted, seed: seed, source: source, to: descriptor, path: output)
        var splits = try encoded.splits()
        try fitted.review(&splits, hasTest: test > 0)
        let size = try encoded.writeDescription(warnings: splits.warnings, to: descriptor)
        return (splits, size)
      }
    }
  }
}
