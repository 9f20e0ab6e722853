import Evenkeel

/// How DATA is read where it leaves a choice; what is nil is found out. As in `Dataset.read`.
package struct DataReading: Sendable {
  package var rows: DatabaseRows?
  package var target: String?
  package var weight: String?
  package var ignored: [String]
  package var options: TableOptions

  package init(
    rows: DatabaseRows? = nil, target: String? = nil, weight: String? = nil, ignoring ignored: [String] = [],
    options: TableOptions = TableOptions()
  ) {
    (self.rows, self.target, self.weight, self.ignored, self.options) = (rows, target, weight, ignored, options)
  }

  /// The parts of `source`, a fifth being the test part if it has none of its own.
  /// - Parameter validation: The share of the training examples that is set apart.
  /// - Throws: As `Dataset.read`.
  func splits(of source: String, validation: Double) throws -> DatasetSplits {
    try Dataset.read(
      source, rows: rows, target: target, weight: weight, ignoring: ignored, options: options,
      validation: .share(validation), test: .share(0.2))
  }
}
