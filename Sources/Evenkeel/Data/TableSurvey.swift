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
      guard isForTraining else { return }
      if value.isFinite { add(value) } else { infinite = infinite ?? row }
    case .missing: if isForTraining { missing += 1 }
    case .text:
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
    texts += later.texts
  }
}

extension Table {
  /// Looks at all cells once.
  /// - Parameters:
  ///   - isForTraining: Whether each row is.
  ///   - exact: The columns whose texts are all looked at, be they many.
  /// - Returns: A survey of each column.
  func survey(isForTraining: [Bool], exact: Set<Int>) throws -> [ColumnSurvey] {
    let count = names.count
    let isExact = (0..<count).map { exact.contains($0) }
    let none = [ColumnSurvey](repeating: ColumnSurvey(), count: count)
    let parts = try sweep(Array(0..<rowCount), from: none) { surveys, chunk in
      surveys.withUnsafeMutableBufferPointer { surveys in
        for position in chunk.rows.indices {
          let row = chunk.rows[position], isForTraining = isForTraining[row]
          for column in 0..<count {
            let (cell, value) = chunk.cell(position, column)
            if cell.isNumber, decimals[column] == .point {
              if isForTraining { surveys[column].add(value) }
            } else if isExact[column] || !surveys[column].hasManyTexts {
              surveys[column].add(
                content(of: cell, value, decimals[column]), row: row, isForTraining: isForTraining)
            }
          }
        }
      }
    }
    return parts.dropFirst().reduce(into: parts.first ?? none) { all, part in
      for column in 0..<count { all[column].add(part[column]) }
    }
  }
}
