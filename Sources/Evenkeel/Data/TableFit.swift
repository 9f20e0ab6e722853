extension TableEncoding {
  /// Fits the encoding to rows of `table`, every one of which has a target.
  /// - Throws: `EvenkeelError` with code `data` that names line and column of what is no feature or target.
  /// - Parameters:
  ///   - rows: Those for training, of which `survey` is.
  ///   - target: What the target is.
  init(
    fittedTo table: Table, _ survey: TableSurvey, rows: [Int], roles: TableRoles, target: TargetKind,
    options: TableOptions, warnings: inout TableWarnings
  ) throws {
    var fit = try TableFit(table, survey, rows: rows, roles, options)
    let columns = try roles.features.compactMap { index -> Column? in
      let given = options.columns[table.names[index]]
      return try fit.kind(index, given: given, &warnings).map {
        Column(
          name: table.names[index], kind: $0, textIsMissing: given == .number ? true : nil,
          range: fit.range(index, of: $0))
      }
    }
    guard !columns.isEmpty else {
      throw EvenkeelError.data("\(table.file): every column but the target differs in nearly every row.")
    }
    self.init(
      columns: columns, targetName: table.names[roles.target], classLabels: target.labels, weightName: roles.weight,
      isInDouble: fit.needsDouble,
      decimalCommas: table.names.indices.filter { table.decimals[$0] == .comma }.map { table.names[$0] },
      hasHeader: options.hasHeader, missing: options.missing)
  }
}

extension Table {
  /// Leaves out the rows without a target.
  /// - Parameters:
  ///   - isOfNumbers: Whether dashes and dots count as missing too; nil to find out.
  ///   - labels: What is a target, whatever it looks like.
  mutating func keepRowsWithTarget(
    in column: Int, isOfNumbers: Bool? = nil, except labels: [String] = [], warnings: inout TableWarnings
  ) throws {
    try index([column])
    let isOfNumbers =
      isOfNumbers ?? (0..<rowCount).allSatisfy { textAmongNumbers(row: $0, column: column) == nil }
    let kept = (0..<rowCount).filter { row in
      guard isMissing(row: row, column: column, amongNumbers: isOfNumbers),
        labels.isEmpty || !labels.contains(cell(row: row, column: column))
      else { return true }
      warnings.add(.noTarget, location(row))
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
  private let surveys: [ColumnSurvey]
  /// Whether floats would take from the numbers of a column more than 2⁻¹⁸ of their range.
  var needsDouble = false

  init(_ table: Table, _ survey: TableSurvey, rows: [Int], _ roles: TableRoles, _ options: TableOptions) throws {
    var table = table
    try table.index(
      roles.features.filter { column in
        let column = (survey: survey.columns[column], kind: options.columns[table.names[column]])
        return column.kind.map { $0 != .number }
          ?? (column.survey.firstText ?? column.survey.firstTextElsewhere != nil)
      })
    (self.table, self.rows, surveys) = (table, rows, survey.columns)
  }

  /// What the column becomes; nil if it is left out. Whether it is one of numbers, all rows decide; the rest follows from those for
  /// training.
  /// - Parameter given: What it is, if that was said.
  mutating func kind(
    _ column: Int, given: TableOptions.ColumnKind?, _ warnings: inout TableWarnings
  ) throws -> TableEncoding.Kind? {
    switch given {
    case .category:
      let texts = categories(of: column).texts
      try requireFew(texts, column)
      return .categorical(texts.sorted())
    case .date(let order):
      guard let order = try table.dateOrder(column: column, given: order) else {
        let row = (0..<table.rowCount).first { row in
          table.text(row: row, column: column).map { text in
            !(order.map { [$0] } ?? DateOrder.allCases).contains { CalendarDate(text, order: $0) != nil }
          } ?? false
        }
        guard let row else {
          throw EvenkeelError.data("\(table.file), column \(table.names[column]): the dates have no order in common.")
        }
        throw table.expected("a date", row: row, column: column, got: table.cell(row: row, column: column))
      }
      return dates(column, order)
    case .number, nil: break
    }
    let survey = surveys[column]
    if given == nil, let firstText = survey.firstText ?? survey.firstTextElsewhere {
      if survey.numbers == 0, let order = try table.dateOrder(column: column) { return dates(column, order) }
      return try categories(column, numbers: survey.numbers, firstText: firstText, &warnings)
    }
    if let infinite = survey.infinite { throw table.notFinite(row: infinite, column: column) }
    needsDouble =
      needsDouble || survey.least < survey.greatest && survey.error > 0x1p-18 * (survey.greatest - survey.least)
    return .numeric(
      mean: survey.numbers > 0 ? survey.sum / Double(survey.numbers) : 0,
      hasIndicator: survey.missing > 0 || survey.firstText != nil)
  }

  private func dates(_ column: Int, _ order: DateOrder) -> TableEncoding.Kind {
    .date(DateEncoding(calendarDates(column, order), order: order))
  }

  /// The dates of the training rows.
  private func calendarDates(_ column: Int, _ order: DateOrder) -> [CalendarDate?] {
    rows.map { row in table.text(row: row, column: column).flatMap { CalendarDate($0, order: order) } }
  }

  /// How far the numbers or dates of the training rows reach; nil where there are none.
  func range(_ column: Int, of kind: TableEncoding.Kind) -> TableEncoding.Column.Range? {
    let ends: (Double, Double)?
    switch kind {
    case .categorical: return nil
    case .numeric: ends = surveys[column].numbers > 0 ? (surveys[column].least, surveys[column].greatest) : nil
    case .date(let date):
      let days = calendarDates(column, date.order).compactMap { $0?.days }
      ends = days.min().flatMap { first in days.max().map { (first, $0) } }
    }
    return ends.map { TableEncoding.Column.Range(least: $0.0, greatest: $0.1) }
  }

  /// The different texts of the training rows, and how many rows have one.
  private func categories(of column: Int) -> (texts: Set<String>, count: Int) {
    var (texts, count): (Set<String>, Int) = ([], 0)
    for row in rows {
      guard let text = table.text(row: row, column: column) else { continue }
      count += 1
      texts.insert(text)
    }
    return (texts, count)
  }

  /// - Parameter numbers: How many of the cells are numbers.
  private func categories(
    _ column: Int, numbers: Int, firstText: Int, _ warnings: inout TableWarnings
  ) throws -> TableEncoding.Kind? {
    let (texts, count) = categories(of: column)
    let (name, text) = (table.names[column], table.cell(row: firstText, column: column))
    let example = "\(name.isEmpty ? "(no name)" : name) (\"\(text)\" in \(table.location(firstText)))"
    if count >= Self.fewestNames, Double(texts.count) >= Self.shareOfNames * Double(count) {
      warnings.add(.names, example)
      return nil
    }
    try requireFew(texts, column)
    if numbers > 0 { warnings.add(.textAmongNumbers, example) }
    return .categorical(texts.sorted())
  }

  private func requireFew(_ texts: Set<String>, _ column: Int) throws {
    guard texts.count > Self.mostCategories else { return }
    throw EvenkeelError.data(
      "\(table.file), column \(table.names[column]): \(texts.count) different texts are more than the \(Self.mostCategories) that a column of categories may have; --ignore leaves it out."
    )
  }
}
