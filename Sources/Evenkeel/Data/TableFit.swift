extension TableEncoding {
  /// Fits the encoding to rows of `table`, every one of which has a target.
  /// - Throws: `EvenkeelError` with code `data` that names line and column of what is no feature or target.
  init(
    fittedTo table: Table, rows: [Int], roles: TableRoles, classLabels: [String], warnings: inout TableWarnings
  ) throws {
    var fit = TableFit(table: table, rows: rows)
    let columns = try roles.features.compactMap { index -> Column? in
      try fit.kind(index, &warnings).map { Column(name: table.names[index], kind: $0) }
    }
    guard !columns.isEmpty else {
      throw EvenkeelError.data("\(table.file): every column but the target differs in nearly every row.")
    }
    self.init(
      columns: columns, targetName: table.names[roles.target], classLabels: classLabels, weightName: roles.weight,
      isInDouble: fit.needsDouble)
  }

  /// The classes of a target column; none if it is a regression: numbers that are not whole, or of many values.
  static func classLabels(of table: Table, target: Int, warnings: inout TableWarnings) throws -> [String] {
    try TableFit(table: table, rows: []).classes(target, &warnings)
  }
}

extension Table {
  /// Leaves out the rows without a target.
  /// - Parameters:
  ///   - isOfNumbers: Whether dashes and dots count as missing too; nil to find out.
  ///   - labels: What is a target, whatever it looks like.
  mutating func keepRowsWithTarget(
    in column: Int, isOfNumbers: Bool? = nil, except labels: [String] = [], warnings: inout TableWarnings
  ) {
    let isOfNumbers =
      isOfNumbers ?? (0..<rowCount).allSatisfy { textAmongNumbers(row: $0, column: column) == nil }
    let kept = (0..<rowCount).filter { row in
      let text = cell(row: row, column: column)
      let isMissing = isOfNumbers ? Self.isMissingNumber(text) : Self.isMissing(text)
      guard isMissing, !labels.contains(text) else { return true }
      warnings.add(.noTarget, "line \(lines[row])")
      return false
    }
    keepRows(kept)
  }

  /// - Throws: `EvenkeelError` with code `data` if no row with a target was left.
  func requireTarget(_ name: String) throws {
    guard rowCount > 0 else { throw EvenkeelError.data("\(file): the target \(name) is missing in every row.") }
  }
}

/// What a table's training rows say about its columns.
private struct TableFit {
  static let mostCategories = 1000
  /// A column of text that differs in at least this share of so many rows names them.
  static let (shareOfNames, fewestNames) = (0.95, 20)

  let table: Table
  let rows: [Int]
  /// The rows that are not for training.
  let others: [Int]
  /// Whether floats would take from the numbers of a column more than 2⁻¹⁸ of their range.
  var needsDouble = false

  init(table: Table, rows: [Int]) {
    (self.table, self.rows) = (table, rows)
    var isOther = [Bool](repeating: true, count: table.rowCount)
    for row in rows { isOther[row] = false }
    others = isOther.indices.filter { isOther[$0] }
  }

  /// What the column becomes; nil if it is left out. Whether it is one of numbers, all rows decide; the rest follows from those for
  /// training.
  mutating func kind(_ column: Int, _ warnings: inout TableWarnings) throws -> TableEncoding.Kind? {
    var (sum, numbers, missing) = (0.0, 0, 0)
    var (least, greatest, error) = (Double.infinity, -Double.infinity, 0.0)
    var infinite: Int?
    var firstText: Int?
    for row in rows {
      let text = table.cell(row: row, column: column)
      if Table.isMissingNumber(text) {
        missing += 1
      } else if let value = Double(text) {
        guard value.isFinite else {
          infinite = infinite ?? row
          continue
        }
        sum += value
        numbers += 1
        (least, greatest) = (min(least, value), max(greatest, value))
        error = max(error, abs(Double(Float(value)) - value))
      } else if firstText == nil {
        firstText = row
      }
    }
    firstText = firstText ?? others.first { table.textAmongNumbers(row: $0, column: column) != nil }
    if let firstText { return try categories(column, numbers: numbers, firstText: firstText, &warnings) }
    if let infinite { throw table.notFinite(row: infinite, column: column) }
    needsDouble = needsDouble || least < greatest && error > 0x1p-18 * (greatest - least)
    return .numeric(mean: numbers > 0 ? sum / Double(numbers) : 0, hasIndicator: missing > 0)
  }

  /// - Parameter numbers: How many of the cells are numbers.
  private func categories(
    _ column: Int, numbers: Int, firstText: Int, _ warnings: inout TableWarnings
  ) throws -> TableEncoding.Kind? {
    var texts: Set<String> = []
    var count = 0
    for row in rows {
      guard let text = table.text(row: row, column: column) else { continue }
      count += 1
      texts.insert(text)
    }
    let (name, text) = (table.names[column], table.cell(row: firstText, column: column))
    let example = "\(name.isEmpty ? "(no name)" : name) (\"\(text)\" in line \(table.lines[firstText]))"
    if count >= Self.fewestNames, Double(texts.count) >= Self.shareOfNames * Double(count) {
      warnings.add(.names, example)
      return nil
    }
    guard texts.count <= Self.mostCategories else {
      throw EvenkeelError.data(
        "\(table.file), line \(table.lines[firstText]), column \(name): \"\(text)\" is no number, and \(texts.count) different texts are more than the \(Self.mostCategories) that a column of categories may have; --ignore leaves it out."
      )
    }
    if numbers > 0 { warnings.add(.textAmongNumbers, example) }
    return .categorical(texts.sorted())
  }

  /// The classes of a target column; none if it is a regression: numbers that are not whole, or of many values.
  func classes(_ column: Int, _ warnings: inout TableWarnings) throws -> [String] {
    var (values, numbers): (Set<Double>, Int) = ([], 0)
    var counts: [String: Int] = [:]
    var firstTexts: [String] = []
    for row in 0..<table.rowCount {
      guard let text = table.text(row: row, column: column) else { continue }
      counts[text, default: 0] += 1
      if let value = try table.number(row: row, column: column) {
        values.insert(value)
        numbers += 1
      } else if firstTexts.count < 2 {
        firstTexts.append("\"\(text)\" in line \(table.lines[row])")
      }
    }
    guard !firstTexts.isEmpty else { return TableEncoding.classLabels(for: values, rowCount: table.rowCount) }
    let rare = counts.values.count { $0 == 1 }
    let isMostlyNumbers = 2 * numbers > table.rowCount
    if 2 * rare > counts.count {
      guard !isMostlyNumbers else {
        throw EvenkeelError.data(
          "\(table.file): the target \(table.names[column]) is not quite numbers: \(firstTexts.joined(separator: ", ")). As classes, \(rare) of \(counts.count) would have one row. Correct these cells, or leave them empty: a row without its target is left out."
        )
      }
      for text in firstTexts { warnings.add(.rareClasses, text) }
    } else if isMostlyNumbers, TableEncoding.classLabels(for: values, rowCount: numbers).isEmpty {
      for text in firstTexts { warnings.add(.targetOfClasses, text) }
    }
    return counts.keys.sorted()
  }
}
