/// What a column of a table holds and what becomes of it.
package struct ColumnDescription: Sendable {
  package let name: String
  /// number, category or date; nil for a column without content.
  package var kind: String?
  /// The share of the rows that have nothing in it; nil where the rows are not known.
  package var missing: Double?
  /// Of numbers.
  package var least, greatest, mean: Double?
  /// Of dates, as year, month and day.
  package var first, last: String?
  /// The texts of categories with their rows, the most frequent first; in order where the rows are not known.
  package var categories: [(text: String, rows: Int?)] = []
  /// What it is for training: so many features, the target, the weight, or nothing and why.
  package var use: String

  fileprivate init(name: String, kind: String?, use: String) { (self.name, self.kind, self.use) = (name, kind, use) }

  fileprivate init(_ table: Table, _ column: Int, dates order: DateOrder?, isCategory: Bool?, use: String) {
    (name, self.use) = (table.names[column], use)
    let rows = table.rowCount
    let isCategory =
      isCategory ?? (0..<rows).contains { table.textAmongNumbers(row: $0, column: column) != nil }
    var (counts, missingRows): ([String: Int], Int) = ([:], 0)
    var numbers: [Double] = []
    var days: [(days: Double, text: String)] = []
    for row in 0..<rows {
      let text = table.text(row: row, column: column)
      if let order, let date = text.flatMap({ CalendarDate($0, order: order) }) {
        days.append((date.days, date.text))
      } else if isCategory, let text {
        counts[text, default: 0] += 1
      } else if !isCategory, order == nil, let number = table.content(row: row, column: column).number {
        numbers.append(number)
      } else {
        missingRows += 1
      }
    }
    missing = Double(missingRows) / Double(rows)
    if order != nil {
      kind = "date"
      (first, last) = (days.min { $0.days < $1.days }?.text, days.max { $0.days < $1.days }?.text)
    } else if isCategory {
      kind = "category"
      categories = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { (text: $0.key, rows: $0.value) }
    } else if !numbers.isEmpty {
      kind = "number"
      (least, greatest) = (numbers.min(), numbers.max())
      mean = numbers.reduce(0, +) / Double(numbers.count)
    }
  }
}

extension ColumnDescription {
  /// A column that a model uses, as far as the model tells.
  fileprivate init(_ column: TableEncoding.Column) {
    (name, use) = (column.name, Self.use(column))
    switch column.kind {
    case .numeric(let mean, _):
      (kind, self.mean) = ("number", mean)
      (least, greatest) = (column.range?.least, column.range?.greatest)
    case .categorical(let texts), .embedded(let texts):
      kind = "category"
      categories = texts.map { ($0, nil) }
    case .date:
      kind = "date"
      (first, last) = (
        column.range.map { CalendarDate(days: $0.least).text },
        column.range.map { CalendarDate(days: $0.greatest).text }
      )
    }
  }

  fileprivate init(name: String, kind: String, classes: [String] = [], use: String) {
    (self.name, self.kind, self.use) = (name, kind, use)
    categories = classes.map { ($0, nil) }
  }

  fileprivate static func use(_ column: TableEncoding.Column) -> String {
    if case .embedded(let categories) = column.kind { return "\(categories.count) learned vectors" }
    return "\(column.width) \(column.width == 1 ? "feature" : "features")"
  }

  fileprivate static func target(_ classes: [String]) -> String {
    classes.isEmpty ? "the target, a number" : "the target, \(classes.count) classes"
  }
}

extension TableEncoding {
  /// Each column of a table that a model uses: its features, then the target and the weight; none of an array of numbers.
  package func describeColumns() -> [ColumnDescription] {
    guard hasNamedColumns else { return [] }
    let target = ColumnDescription(
      name: targetName, kind: classLabels.isEmpty ? "number" : "category", classes: classLabels,
      use: ColumnDescription.target(classLabels))
    let weight = weightName.map { ColumnDescription(name: $0, kind: "number", use: "the weight") }
    return columns.map { ColumnDescription($0) } + [target] + (weight.map { [$0] } ?? [])
  }
}

extension FittedTable {
  /// Each column as it is in all rows that have a target.
  /// - Throws: `EvenkeelError` with code `data` if there is not enough memory.
  func describeColumns() throws -> [ColumnDescription] {
    try table.names.indices.map { column in
      var table = table
      try table.index([column])
      let name = table.names[column]
      let used = roles.features.contains(column) ? encoding.columns.first { $0.name == name } : nil
      var (order, isCategory): (DateOrder?, Bool?) = (nil, nil)
      switch used?.kind {
      case .date(let dates): order = dates.order
      case .categorical, .embedded: isCategory = true
      case .numeric: isCategory = false
      case nil: if column == roles.target { isCategory = kind.labels.isEmpty ? false : nil }
      }
      return ColumnDescription(
        table, column, dates: order, isCategory: isCategory,
        use: used.map { ColumnDescription.use($0) } ?? use(other: column))
    }
  }

  private func use(other column: Int) -> String {
    let name = table.names[column]
    if column == roles.target { return ColumnDescription.target(kind.labels) }
    if name == roles.weight { return "the weight" }
    if roles.features.contains(column) { return "nothing: differs in nearly every row" }
    if roles.ignored.contains(name) { return "nothing: ignored" }
    return column == 0 && (0..<table.rowCount).contains { !table.cell(row: $0, column: 0).isEmpty }
      ? "nothing: numbers the rows" : "nothing: empty"
  }
}

/// A table whose columns can be described.
enum TableOfColumns {
  case fitted(FittedTable)
  case encoded(EncodedTable)
}

extension Dataset {
  /// Reads DATA as `read` does, with what the columns of a table hold and become; nil for data that has no named columns.
  /// - Throws: As `read`.
  package static func describe(
    _ path: String, rows: DatabaseRows? = nil, target: String? = nil, weight: String? = nil,
    ignoring ignored: [String] = [], options: TableOptions = TableOptions(), images: ImageOptions = ImageOptions(),
    validation: HeldOut = .share(0), test: HeldOut = .share(0.2), seed: UInt64 = 0
  ) throws -> (splits: DatasetSplits, columns: [ColumnDescription]?) {
    try readWithColumns(
      path, rows: rows, target: target, weight: weight, ignoring: ignored, options: options, images: images,
      validation: validation, test: test, seed: seed
    ) { table in
      switch table {
      case .fitted(let fitted): try fitted.describeColumns()
      case .encoded(let encoded): encoded.description.encoding.describeColumns()
      }
    }
  }
}
