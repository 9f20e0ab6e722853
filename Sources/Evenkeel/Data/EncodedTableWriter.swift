import FoundationEssentials

extension EncodedTable {
  /// Writes the rows of a table that was fitted as they stand in its text, so that memory does not grow with its features, but no
  /// description yet.
  /// - Parameters:
  ///   - descriptor: An empty file, open for reading and writing.
  ///   - path: The file's name in errors.
  /// - Throws: `EvenkeelError`: as `Dataset.csv`; `cannotWrite` if the disk is full.
  static func write(
    _ fitted: inout FittedTable, seed: UInt64, source: SourceFingerprint?, to descriptor: Int32, path: String
  ) throws -> EncodedTable {
    let (table, encoding, parts) = (fitted.table, fitted.encoding, fitted.parts)
    guard table.rowCount <= Int(Int32.max) else {
      throw EvenkeelError.data("\(table.file): \(table.rowCount) rows; at most \(Int32.max) can be encoded.")
    }
    let description = Description(
      encoding: encoding, training: parts.training.count, validation: parts.validation.count, test: parts.test.count,
      hasWeights: encoding.weightName != nil, warnings: [], targetReason: fitted.kind.reason, seed: seed, source: source
    )
    let writer = PlacedWriter(descriptor, path: path)
    try writer.reserve(description.end)
    var next = [description.parts.training, description.parts.validation, description.parts.test].map(\.lowerBound)
    // The warnings of each part in turn, as they are where the parts are read one after the other.
    var warnings = next.map { _ in TableWarnings(table.file) }
    var rest = [parts.training[...], parts.validation[...], parts.test[...]]
    let most = max(1024, min(1 << 19, windowSize / (description.width * description.element.size)))
    for start in stride(from: 0, to: table.rowCount, by: most) {
      for place in rest.indices {
        let some = rest[place].prefix { $0 < start + most }
        rest[place] = rest[place][some.endIndex...]
        let dataset = try encoding.dataset(
          table, rows: RowNumbers(some.map { Int32($0) }), hasTargets: true, warnings: &warnings[place])
        try description.write(dataset, from: next[place], writer)
        next[place] += some.count
      }
    }
    for part in warnings { fitted.warnings.add(part) }
    return EncodedTable(try FileBytes(contentsOf: descriptor, name: path), description)
  }

  /// Writes the description, which makes the file whole.
  /// - Returns: The size of the file.
  func writeDescription(warnings: [String], to descriptor: Int32) throws -> Int {
    var description = description
    description.warnings = warnings
    let writer = PlacedWriter(descriptor, path: bytes.name)
    let text = try JSONEncoder().encode(description)
    try text.withUnsafeBytes { try writer.write($0, at: description.end) }
    let place = UInt64(description.end)
    try withUnsafeBytes(of: place) { try writer.write($0, at: Self.magic.count) }
    try Self.magic.withUnsafeBytes { try writer.write($0, at: 0) }
    return description.end + text.count
  }

  /// The features of so many rows are made at once.
  private static let windowSize = 1 << 26
}

extension EncodedTable.Description {
  /// Writes examples that begin at `row`.
  fileprivate func write(_ dataset: Dataset, from row: Int, _ writer: PlacedWriter) throws {
    let rowSize = width * element.size
    try writer.write(
      UnsafeRawBufferPointer(start: dataset.examples.base, count: dataset.count * rowSize), at: features + row * rowSize
    )
    let start = targets + row * targetSize
    switch dataset.targets {
    case .classes(let classes, _): try classes.withUnsafeBytes { try writer.write($0, at: start) }
    case .values(let values, _): try values.withUnsafeBytes { try writer.write($0, at: start) }
    case .none: break
    }
    try dataset.weights?.withUnsafeBytes { try writer.write($0, at: weights + row * MemoryLayout<Float>.stride) }
  }
}
