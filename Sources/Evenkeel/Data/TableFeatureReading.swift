import CSVScan

extension TableEncoding {
  /// The features of `rows`, columns matched by name, others ignored.
  /// - Parameter width: The number of features of a row.
  /// - Throws: `EvenkeelError` with code `data` that names a missing column, text where numbers were, or the columns that make more
  ///   features than there is memory for.
  func features(
    _ table: Table, rows: [Int], width: Int, warnings: inout TableWarnings
  ) throws -> ExampleStorage {
    let features = try TableFeatures(
      rows: rows.count, width: width, isInDouble: isInDouble,
      for: memoryPurpose(table, rows: rows.count, width: width))
    let writer = try FeatureWriter(columns, of: table, into: features)
    let parts = try table.sweep(rows, from: FeatureWriter.Notes()) { notes, chunk in
      for position in chunk.rows.indices { try writer.write(position, of: chunk, &notes) }
    }
    for notes in parts {
      for note in notes.unknown { warnings.add(.unknownText, once: note.key, note.example) }
      for index in 0..<notes.textsInNumbers {
        warnings.add(.textInNumbers, index < notes.examples.count ? notes.examples[index] : nil)
      }
    }
    return features.storage
  }
}

/// Turns cells into features.
private struct FeatureWriter: Sendable {
  /// What is to be said about some rows.
  struct Notes: Sendable {
    /// Texts that training did not see.
    var unknown: [(key: String, example: String)] = []
    var keys: Set<String> = []
    /// Texts in columns of numbers, and the first two.
    var textsInNumbers = 0
    var examples: [String] = []
  }

  private struct Numeric {
    let column, feature: Int
    let mean: Double
    let hasIndicator, textIsMissing: Bool
    let decimal: DecimalMark
  }

  private struct Other {
    let column, feature: Int
    let encoding: TableEncoding.Column
    /// The place of each category.
    let places: [String: Int]
  }

  private let table: Table
  private let features: TableFeatures
  private var numeric: [Numeric] = []
  private var others: [Other] = []

  init(_ columns: [TableEncoding.Column], of table: Table, into features: TableFeatures) throws {
    (self.table, self.features) = (table, features)
    var feature = 0
    for column in columns {
      let index = try table.column(column.name)
      switch column.kind {
      case .numeric(let mean, let hasIndicator):
        numeric.append(
          Numeric(
            column: index, feature: feature, mean: mean, hasIndicator: hasIndicator,
            textIsMissing: column.textIsMissing == true, decimal: table.decimals[index]))
      case .categorical(let categories):
        let places = Dictionary(categories.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        others.append(Other(column: index, feature: feature, encoding: column, places: places))
      case .date: others.append(Other(column: index, feature: feature, encoding: column, places: [:]))
      }
      feature += column.width
    }
  }

  /// Writes the features of the row at `position`.
  func write(_ position: Int, of chunk: Table.Chunk, _ notes: inout Notes) throws {
    try numeric.withUnsafeBufferPointer { numeric in
      for column in numeric {
        let (cell, found) = chunk.cell(position, column.column)
        var value: Double? = found
        if !cell.isNumber || column.decimal != .point || table.hasNumberMarkers {
          value = try number(cell, found, column, row: chunk.rows[position], &notes)
        }
        guard features.store(value ?? column.mean, row: position, feature: column.feature) else {
          throw table.notFinite(row: chunk.rows[position], column: column.column)
        }
        if column.hasIndicator, value == nil { features.store(1, row: position, feature: column.feature + 1) }
      }
    }
    for column in others {
      try write(
        column, table.places.text(of: chunk.cell(position, column.column).cell), position, row: chunk.rows[position],
        &notes)
    }
  }

  private func number(
    _ cell: ek_cell, _ found: Double, _ column: Numeric, row: Int, _ notes: inout Notes
  ) throws -> Double? {
    switch table.content(of: cell, found, column.decimal) {
    case .number(let value):
      guard value.isFinite else { throw table.notFinite(row: row, column: column.column) }
      return value
    case .missing: return nil
    case .text(let text):
      guard column.textIsMissing else {
        throw table.expected(
          "a number\(column.decimal == .comma ? " with a decimal comma" : "")", row: row, column: column.column,
          got: text)
      }
      notes.textsInNumbers += 1
      if notes.examples.count < 2 {
        notes.examples.append("\"\(text)\" (column \(table.names[column.column]), \(table.location(row)))")
      }
      return nil
    }
  }

  private func write(_ column: Other, _ text: String, _ position: Int, row: Int, _ notes: inout Notes) throws {
    if case .date(let encoding) = column.encoding.kind {
      let date = table.isMissing(text) ? nil : CalendarDate(text, order: encoding.order)
      if date == nil, !table.isMissing(text) {
        throw table.expected("a date (\(encoding.order))", row: row, column: column.column, got: text)
      }
      let values = encoding.features(date)
      for (index, value) in values.enumerated() {
        features.store(value, row: position, feature: column.feature + index)
      }
      if encoding.hasIndicator, date == nil {
        features.store(1, row: position, feature: column.feature + values.count)
      }
    } else if let place = column.places[text] {
      features.store(1, row: position, feature: column.feature + place)
    } else if !table.isMissing(text), notes.keys.insert(column.encoding.name + text).inserted {
      notes.unknown.append(
        (column.encoding.name + text, "\"\(text)\" (column \(column.encoding.name), \(table.location(row)))"))
    }
  }
}
