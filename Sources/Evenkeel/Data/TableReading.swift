extension Dataset {
  /// Reads a CSV file and parts it at random; the encoding is fitted on the training part.
  ///
  /// Rows without a target are left out, and so are columns that only number or name the rows; `DatasetSplits.warnings` says so. Features
  /// that would take more than half of the memory there is are kept in a temporary file.
  ///
  /// ```swift
  /// let patients = try Dataset.csv(
  ///   at: "patients.csv", target: "answer", ignoring: ["id"],
  ///   options: TableOptions(columns: ["zip": .category]), validation: 0.1, test: 0.2)
  /// ```
  /// - Parameters:
  ///   - path: The path of the file; `-` for standard input.
  ///   - target: The column to predict; the last one by default.
  ///   - weight: The column that says what each row counts (`Dataset.with`), which is then no feature.
  ///   - ignored: The names of columns that are left out.
  ///   - options: What is known of the table; the rest is found out.
  ///   - validation: The share of rows set apart for validation.
  ///   - test: The share of rows set apart for the test.
  ///   - seed: The same seed gives the same parts.
  /// - Throws: `EvenkeelError` that names file, line and column.
  public static func csv(
    at path: String, target: String? = nil, weight: String? = nil, ignoring ignored: [String] = [],
    options: TableOptions = TableOptions(), validation: Double = 0, test: Double = 0, seed: UInt64 = 0
  ) throws -> DatasetSplits {
    let bytes = try FileBytes(path)
    return try bytes.reading {
      try csv(
        bytes, target: target, weight: weight, ignoring: ignored, options: options, validation: validation, test: test,
        seed: seed)
    }
  }

  /// - Parameter memory: The bytes that this process may take; nil to find out.
  package static func csv(
    _ bytes: FileBytes, target: String? = nil, weight: String? = nil, ignoring ignored: [String] = [],
    options: TableOptions = TableOptions(), validation: Double = 0, test: Double = 0, fold: Fold? = nil,
    seed: UInt64 = 0, memory: Int? = nil
  ) throws -> DatasetSplits {
    let memory = memory ?? MemoryRoom.current().bytes
    var fitted = try FittedTable(
      bytes, target: target, weight: weight, ignoring: ignored, options: options, validation: validation, test: test,
      fold: fold, seed: seed, room: memory / 2)
    return try fitted.splits(memory: memory, hasTest: test > 0, seed: seed)
  }

  /// Reads a CSV file with the encoding that a model was trained with.
  /// - Parameter targets: Whether they are wanted; rows without one are then left out.
  package static func csv(
    _ bytes: FileBytes, encoding: TableEncoding, targets: Bool, weights: Bool = true, warnings: inout [String]
  ) throws -> Dataset {
    var table = try Table(bytes, hasHeader: encoding.hasHeader)
    var found = TableWarnings(of: table)
    let dataset = try encoding.examples(of: &table, targets: targets, weights: weights, warnings: &found)
    if targets { try table.requireTarget(encoding.targetName) }
    warnings += found.sentences
    return dataset
  }
}

extension TableEncoding {
  /// The examples of a table, or of a part of one; with `targets` those that have one.
  func examples(
    of table: inout Table, targets: Bool, weights: Bool, warnings: inout TableWarnings
  ) throws -> Dataset {
    setNotation(of: &table)
    if targets { try keepRowsWithTarget(of: &table, warnings: &warnings) }
    return try dataset(
      table, rows: RowNumbers(0..<table.rowCount), hasTargets: targets, hasWeights: weights, warnings: &warnings)
  }
}
