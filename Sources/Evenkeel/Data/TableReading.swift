extension Dataset {
  /// Reads a CSV file and parts it at random; the encoding is fitted on the training part.
  ///
  /// Rows without a target are left out, and so are columns that only number or name the rows; `DatasetSplits.warnings` says so.
  /// - Parameters:
  ///   - target: The column to predict; the last one by default.
  ///   - weight: The column that says what each row counts (`Dataset.with`), which is then no feature.
  ///   - ignored: The names of columns that are left out.
  ///   - validation: The share of rows set apart for validation.
  ///   - test: The share of rows set apart for the test.
  /// - Throws: `EvenkeelError` that names file, line and column.
  public static func csv(
    at path: String, target: String? = nil, weight: String? = nil, ignoring ignored: [String] = [],
    validation: Double = 0, test: Double = 0, seed: UInt64 = 0
  ) throws -> DatasetSplits {
    let bytes = try FileBytes(path)
    return try bytes.reading {
      try csv(
        bytes, target: target, weight: weight, ignoring: ignored, validation: validation, test: test, seed: seed)
    }
  }

  package static func csv(
    _ bytes: FileBytes, target: String? = nil, weight: String? = nil, ignoring ignored: [String] = [],
    validation: Double = 0, test: Double = 0, seed: UInt64 = 0
  ) throws -> DatasetSplits {
    var table = try Table(bytes)
    try Dataset.requireMemory(forExamples: 4 * table.rowCount, of: table.file)
    var warnings = TableWarnings(table.file)
    let roles = try TableRoles(of: table, target: target, weight: weight, ignoring: ignored, warnings: &warnings)
    table.keepRowsWithTarget(in: roles.target, warnings: &warnings)
    try table.requireTarget(table.names[roles.target])
    let labels = try TableEncoding.classLabels(of: table, target: roles.target, warnings: &warnings)
    let parts = RowSplit(
      count: table.rowCount,
      targets: labels.isEmpty
        ? .none : table.classes(in: roles.target, rows: Array(0..<table.rowCount), labels: labels),
      validation: validation, test: test, seed: seed)
    let encoding = try TableEncoding(
      fittedTo: table, rows: parts.training, roles: roles, classLabels: labels, warnings: &warnings)
    func part(_ rows: [Int]) throws -> Dataset {
      try encoding.dataset(table, rows: rows, hasTargets: true, warnings: &warnings)
    }
    var splits = DatasetSplits(
      training: try part(parts.training), validation: try part(parts.validation), test: try part(parts.test))
    if !splits.training.isEmpty {
      if let weight, splits.training.weights?.contains(where: { $0 > 0 }) == false {
        throw EvenkeelError.data(
          "\(table.file), column \(weight): the weights of all \(splits.training.count) training rows are 0; expected at least one above 0."
        )
      }
      let scaling = try InputScaling(fittedTo: splits.training)
      for channel in scaling.constantChannels { warnings.add(.constant, encoding.featureNames[channel]) }
    }
    if test > 0, splits.test.isEmpty { warnings.add(.nothingToTest) }
    splits.warnings = warnings.sentences
    return splits
  }

  /// Reads a CSV file with the encoding that a model was trained with.
  /// - Parameter targets: Whether they are wanted; rows without one are then left out.
  package static func csv(
    _ bytes: FileBytes, encoding: TableEncoding, targets: Bool, weights: Bool = true, warnings: inout [String]
  ) throws -> Dataset {
    var table = try Table(bytes)
    var found = TableWarnings(table.file)
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
    if targets { try keepRowsWithTarget(of: &table, warnings: &warnings) }
    return try dataset(
      table, rows: Array(0..<table.rowCount), hasTargets: targets, hasWeights: weights, warnings: &warnings)
  }
}
