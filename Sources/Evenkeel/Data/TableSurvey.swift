import CSVScan

/// What the rows of a table say about a column, as one of numbers.
struct ColumnSurvey: Sendable {
  /// Of the numbers of the training rows.
  private(set) var (sum, least, greatest) = (0.0, Double.infinity, -Double.infinity)
  /// How many there are, and how many cells are missing.
  private(set) var (numbers, missing) = (0, 0)
  /// The largest error that a number has as a float.
  private(set) var error = 0.0
  /// The first training row with an infinite number.
  private(set) var infinite: Int?
  /// The first training row with a text, and the first other row.
  private(set) var firstText: Int?
  private(set) var firstTextElsewhere: Int?
  /// Whether every row, of all, has a number that a float holds.
  fileprivate(set) var isOfFloats = true
  private var texts = 0

  /// After so many texts in a part of the table, its column is no longer looked at closely.
  private static let manyTexts = 1000

  var hasManyTexts: Bool { texts >= Self.manyTexts }

  @inline(__always)
  fileprivate mutating func add(_ value: Double) {
    sum += value
    numbers += 1
    least = min(least, value)
    greatest = max(greatest, value)
    error = max(error, abs(Double(Float(value)) - value))
  }

  fileprivate mutating func add(_ content: Table.Content, row: Int, isForTraining: Bool) {
    switch content {
    case .number(let value):
      if !value.isFinite { isOfFloats = false }
      guard isForTraining else { return }
      if value.isFinite { add(value) } else { infinite = infinite ?? row }
    case .missing:
      isOfFloats = false
      if isForTraining { missing += 1 }
    case .text:
      isOfFloats = false
      texts += 1
      if isForTraining { firstText = firstText ?? row } else { firstTextElsewhere = firstTextElsewhere ?? row }
    }
  }

  fileprivate mutating func add(_ later: ColumnSurvey) {
    sum += later.sum
    (numbers, missing) = (numbers + later.numbers, missing + later.missing)
    (least, greatest, error) = (min(least, later.least), max(greatest, later.greatest), max(error, later.error))
    infinite = infinite ?? later.infinite
    firstText = firstText ?? later.firstText
    firstTextElsewhere = firstTextElsewhere ?? later.firstTextElsewhere
    isOfFloats = isOfFloats && later.isOfFloats
    texts += later.texts
  }
}

/// What all cells of a table say, from one look at them.
struct TableSurvey {
  /// Of each column.
  let columns: [ColumnSurvey]
  /// The numbers of the columns that become features if they are of numbers, row after row; nil if they were not wanted.
  private let numbers: TableFeatures?

  /// - Parameters:
  ///   - rows: Those for training.
  ///   - exact: The columns whose texts are all looked at, be they many.
  ///   - keepsNumbers: Whether to keep the numbers, as features that need not be read again.
  init(
    _ table: Table, training rows: RowNumbers, features: [Int], exact: Set<Int>, keepsNumbers: Bool
  ) throws {
    var isForTraining = [Bool](repeating: false, count: table.rowCount)
    for row in rows { isForTraining[row] = true }
    let numbers =
      keepsNumbers
      ? try TableFeatures(
        rows: table.rowCount, width: features.count, isInDouble: false,
        for: "\(table.file): a table of \(table.rowCount) rows and \(features.count) features") : nil
    let count = table.names.count
    let isExact = (0..<count).map { exact.contains($0) }
    let feature = (0..<count).map { features.firstIndex(of: $0) ?? -1 }
    let none = [ColumnSurvey](repeating: ColumnSurvey(), count: count)
    let parts = try table.sweep(RowNumbers(0..<table.rowCount), from: none) { [isForTraining] surveys, chunk in
      surveys.withUnsafeMutableBufferPointer { surveys in
        for (index, row) in chunk.rows.enumerated() {
          let isForTraining = isForTraining[row]
          for column in 0..<count {
            let (cell, value) = chunk.cell(index, column), decimal = table.decimals[column]
            if cell.isNumber, decimal == .point, !table.hasNumberMarkers {
              if isForTraining { surveys[column].add(value) }
              if let numbers, feature[column] >= 0, !numbers.store(value, row: row, feature: feature[column]) {
                surveys[column].isOfFloats = false
              }
            } else if isExact[column] || !surveys[column].hasManyTexts {
              let content = table.content(of: cell, value, decimal)
              surveys[column].add(content, row: row, isForTraining: isForTraining)
              if let numbers, case .number(let value) = content, feature[column] >= 0,
                !numbers.store(value, row: row, feature: feature[column])
              {
                surveys[column].isOfFloats = false
              }
            }
          }
        }
      }
    }
    self.numbers = numbers
    columns = parts.dropFirst().reduce(into: parts.first ?? none) { all, part in
      for column in 0..<count { all[column].add(part[column]) }
    }
  }

  /// The features of all rows as `encoding` makes them, if they are nothing but the numbers of `table`.
  func features(of table: Table, as encoding: TableEncoding) -> ExampleStorage? {
    let isOfNumbers = encoding.columns.allSatisfy { column in
      if case .numeric(_, hasIndicator: false) = column.kind { true } else { false }
    }
    guard isOfNumbers, !encoding.isInDouble, let numbers, encoding.columns.count == numbers.width,
      encoding.columns.allSatisfy({ column in
        table.names.firstIndex(of: column.name).map { columns[$0].isOfFloats } ?? false
      })
    else { return nil }
    return numbers.storage
  }
}
