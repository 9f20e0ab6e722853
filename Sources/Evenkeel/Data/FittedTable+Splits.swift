import Glibc

extension FittedTable {
  /// The parts of the table: in memory, or in a temporary file if their features take more than half of `memory`.
  /// - Parameter hasTest: Whether rows were to be set apart for the test.
  /// - Throws: `EvenkeelError` that names file, line and column.
  mutating func splits(memory: Int, hasTest: Bool, seed: UInt64) throws -> DatasetSplits {
    guard featureSize > memory / 2 else {
      var splits = DatasetSplits(
        training: try part(parts.training), validation: try part(parts.validation), test: try part(parts.test))
      try review(&splits, hasTest: hasTest)
      return splits
    }
    let purpose = "A temporary file for \(table.file)"
    let file = try TemporaryFile(forWork: purpose, beside: Self.folder(of: table.file))
    let encoded = try EncodedTable.write(&self, seed: seed, source: nil, to: file.descriptor, path: purpose)
    var splits = try encoded.splits()
    splits.training.blocks = splits.training.examples.blocks(memory: memory)
    try review(&splits, hasTest: hasTest)
    splits.warnings.insert(
      "\(table.file): its \(table.rowCount) rows of \(splits.training.shape.count) features take \(MemoryRoom.text(featureSize)), more than half of the \(MemoryRoom.text(memory)) of memory that is free; they are kept in a temporary file.",
      at: 0)
    return splits
  }

  private mutating func part(_ rows: RowNumbers) throws -> Dataset {
    try encoding.dataset(table, rows: rows, features: features, hasTargets: true, warnings: &warnings)
  }

  /// Adds what is notable in the parts.
  /// - Throws: `EvenkeelError` with code `data` if no training row counts anything.
  mutating func review(_ splits: inout DatasetSplits, hasTest: Bool) throws {
    if !splits.training.isEmpty {
      if let weight = roles.weight, splits.training.weights?.contains(where: { $0 > 0 }) == false {
        throw EvenkeelError.data(
          "\(table.file), column \(weight): the weights of all \(splits.training.count) training rows are 0; expected at least one above 0."
        )
      }
      let scaling = try InputScaling(fittedTo: splits.training)
      // The features of a date are many, and in one year its year is constant.
      let names = encoding.featureNames
      let isOfDate = encoding.columns.flatMap { Array(repeating: $0.isOfDates, count: $0.width) }
      for channel in scaling.constantChannels where !isOfDate[channel] {
        warnings.add(.constant, names[channel])
      }
    }
    if hasTest, splits.test.isEmpty { warnings.add(.nothingToTest) }
    splits.warnings = warnings.sentences
    splits.targetReason = kind.reason
    splits.trainingRows = numbers.map { numbers in parts.training.map { numbers[$0] } }
  }

  /// The folder of the file that a table is; nil if it is none.
  private static func folder(of path: String) -> String? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    let place = AtomicFile.place(path)
    return place.lastIndex(of: "/").map { String(place[...$0]) }
  }
}
