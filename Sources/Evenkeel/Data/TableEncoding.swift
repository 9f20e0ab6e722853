/// How the columns of a table become features, and one of them the target; fitted on training rows only.
///
/// A numeric column gives its number, the training mean where it is missing, and, where training had missing values, one
/// more feature that says so. A column of text, or of text among numbers, gives one feature a category, all 0 where it is missing
/// and for a category training never saw. Dates give what `DateEncoding` says. A column that is none of these is not looked at.
public struct TableEncoding: Hashable, Codable, Sendable {
  package enum Kind: Hashable, Codable, Sendable {
    case numeric(mean: Double, hasIndicator: Bool)
    case categorical([String])
    /// One feature, the category's number: 0 for what training did not see, 1 for what is missing, then these.
    case embedded([String])
    case date(DateEncoding)
  }

  package struct Column: Hashable, Codable, Sendable {
    package let name: String
    package let kind: Kind
    /// Whether texts in a column of numbers are missing cells; nil, as in older models, if they are errors.
    var textIsMissing: Bool?
    /// Of the numbers, or the days since 1970, in the training rows; nil for categories, and in older models.
    package var range: Range?

    /// From the least to the greatest.
    package struct Range: Hashable, Codable, Sendable {
      package let least, greatest: Double
    }

    /// The same, of other training rows.
    fileprivate var withoutRange: Column {
      var column = self
      column.range = nil
      return column
    }

    /// What its features are called.
    var featureNames: [String] {
      switch kind {
      case .numeric(_, let hasIndicator): [name] + (hasIndicator ? [name + " missing"] : [])
      case .categorical(let categories): categories.map { "\(name)=\($0)" }
      case .embedded: [name]
      case .date(let date):
        DateEncoding.names.map { "\(name) \($0)" } + (date.hasIndicator ? [name + " missing"] : [])
      }
    }

    var isEmbedded: Bool { if case .embedded = kind { true } else { false } }
    var isOfDates: Bool { if case .date = kind { true } else { false } }

    /// The number of its features.
    var width: Int {
      switch kind {
      case .numeric(_, let hasIndicator): hasIndicator ? 2 : 1
      case .categorical(let categories): categories.count
      case .embedded: 1
      case .date(let date): DateEncoding.featureCount + (date.hasIndicator ? 1 : 0)
      }
    }
  }

  package let columns: [Column]
  /// The name of the column to predict.
  public let targetName: String
  /// The classes in the order of the outputs; empty for a regression.
  public let classLabels: [String]
  /// The name of the column that says what each example counts and is no feature; nil if there is none.
  public let weightName: String?
  /// Whether a number of a training row has digits that matter, or a size, that a float does not hold, so that the features are
  /// kept in double; false in a model of a time when they never were.
  package let isInDouble: Bool
  /// Where the target lies among columns that have numbers for names, as in an NPY file; nil for a table of named columns.
  let targetColumn: Int?
  /// Whether columns have names; those of an array of numbers have none.
  package var hasNamedColumns: Bool { targetColumn == nil }

  /// The names of the columns whose numbers have decimal commas; none in older models.
  package let decimalCommas: [String]
  /// Whether the first line of a table names its columns, if that was said.
  let hasHeader: Bool?
  /// What stands for a missing cell beside the usual markers.
  let missing: [String]

  /// The number of the first category of an embedded column.
  package static let firstCategory = 2

  /// The embedded features, and the number of entries that each needs.
  var embeddedFeatures: [(feature: Int, entries: Int)] {
    var feature = 0
    return columns.compactMap { column in
      defer { feature += column.width }
      guard case .embedded(let categories) = column.kind else { return nil }
      return (feature, categories.count + Self.firstCategory)
    }
  }

  /// The columns that are one feature, the number of a category.
  package var embeddedColumns: [String] { columns.filter(\.isEmbedded).map(\.name) }

  /// What each feature holds.
  var featureKinds: [FeatureKind] {
    columns.flatMap { column -> [FeatureKind] in
      switch column.kind {
      case .numeric(_, let hasIndicator): [.number] + (hasIndicator ? [.indicator] : [])
      case .categorical(let categories): categories.map { _ in .indicator }
      case .embedded: [.category]
      case .date(let date):
        Array(repeating: .number, count: DateEncoding.featureCount) + (date.hasIndicator ? [.indicator] : [])
      }
    }
  }

  /// What each feature is called.
  public var featureNames: [String] { columns.flatMap(\.featureNames) }

  init(
    columns: [Column], targetName: String, classLabels: [String], weightName: String?, isInDouble: Bool,
    decimalCommas: [String] = [], hasHeader: Bool? = nil, missing: [String] = []
  ) {
    (self.columns, self.targetName, self.classLabels) = (columns, targetName, classLabels)
    (self.weightName, self.isInDouble, targetColumn) = (weightName, isInDouble, nil)
    (self.decimalCommas, self.hasHeader, self.missing) = (decimalCommas, hasHeader, missing)
  }

  /// The columns 0 ..< `count` of an array of numbers, each a feature as it is, but for one.
  init(columns count: Int, target: Int, classLabels: [String]) {
    columns = (0..<count).filter { $0 != target }.map {
      Column(name: String($0), kind: .numeric(mean: 0, hasIndicator: false))
    }
    targetName = String(target)
    weightName = nil
    self.classLabels = classLabels
    isInDouble = false
    targetColumn = target
    (decimalCommas, hasHeader, missing) = ([], nil, [])
  }

  /// Whether both make the same features of a table, be they kept in floats or in double.
  static func agree(_ one: TableEncoding?, _ other: TableEncoding?) -> Bool {
    one?.columns.map(\.withoutRange) == other?.columns.map(\.withoutRange) && one?.targetName == other?.targetName
      && one?.classLabels == other?.classLabels
      && one?.weightName == other?.weightName && one?.targetColumn == other?.targetColumn
      && one?.decimalCommas == other?.decimalCommas && one?.hasHeader == other?.hasHeader
      && one?.missing == other?.missing
  }

  /// Whether both find the same rows, targets and weights in a table.
  func readsRows(of other: TableEncoding) -> Bool {
    targetName == other.targetName && classLabels == other.classLabels
      && weightName == other.weightName
      && decimalCommas == other.decimalCommas && hasHeader == other.hasHeader
      && missing == other.missing
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    columns = try container.decode([Column].self, forKey: .columns)
    targetName = try container.decode(String.self, forKey: .targetName)
    classLabels = try container.decode([String].self, forKey: .classLabels)
    targetColumn = try container.decodeIfPresent(Int.self, forKey: .targetColumn)
    weightName = try container.decodeIfPresent(String.self, forKey: .weightName)
    isInDouble = try container.decodeIfPresent(Bool.self, forKey: .isInDouble) ?? false
    decimalCommas = try container.decodeIfPresent([String].self, forKey: .decimalCommas) ?? []
    hasHeader = try container.decodeIfPresent(Bool.self, forKey: .hasHeader)
    missing = try container.decodeIfPresent([String].self, forKey: .missing) ?? []
    for case .date(let date) in columns.map(\.kind) where date.means.count != DateEncoding.featureCount {
      throw EvenkeelError.data(
        "A stored column of dates has \(date.means.count) means; expected \(DateEncoding.featureCount).")
    }
    if let targetColumn, !(0...columns.count).contains(targetColumn) {
      throw EvenkeelError.data(
        "The stored target column is \(targetColumn); expected 0 to \(columns.count).")
    }
  }

  /// What a class is called whose target value is `value`: 3, not 3.0.
  static func label(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
  }

  /// What the memory of features is for, with the columns that make most of them.
  func memoryPurpose(_ table: Table, rows: Int, width: Int) -> String {
    let widest = columns.sorted { $0.width > $1.width }.prefix(3).filter { $0.width > 2 }
    let named =
      widest.isEmpty
      ? "" : " (most of them in " + widest.map { "\($0.name): \($0.width) categories" }.joined(separator: ", ") + ")"
    return "\(table.file): a table of \(rows) rows and \(width) features\(named)"
  }

  /// Lets the numbers and the missing cells of `table` be read as those of training were.
  func setNotation(of table: inout Table) {
    table.markers = Set(missing)
    for name in decimalCommas { if let column = table.names.firstIndex(of: name) { table.decimals[column] = .comma } }
  }

  /// Leaves out the rows that have no target.
  /// - Throws: `EvenkeelError` with code `data` if the table has no column of targets.
  func keepRowsWithTarget(of table: inout Table, warnings: inout TableWarnings) throws {
    let column = try table.column(targetName)
    let isOfNumbers = classLabels.allSatisfy { Double($0) != nil }
    try table.keepRowsWithTarget(in: column, isOfNumbers: isOfNumbers, except: classLabels, warnings: &warnings)
  }

  func targets(_ table: Table, rows: RowNumbers) throws -> Targets {
    let column = try table.column(targetName)
    if classLabels.isEmpty {
      return .values(
        try rows.map { row in
          guard let value = try table.number(row: row, column: column) else {
            throw EvenkeelError.data(
              "\(table.file), \(table.location(row)): the target \(targetName) is not a number.")
          }
          return value
        }, names: [targetName])
    }
    return table.classes(in: column, rows: rows, labels: classLabels)
  }

  /// What each row counts; nil where there is no column of weights.
  private func weights(_ table: Table, rows: RowNumbers) throws -> [Float]? {
    guard let weightName, table.names.contains(weightName) else { return nil }
    let column = try table.column(weightName)
    return try rows.map { row in
      guard let value = try table.number(row: row, column: column), value >= 0, Float(value).isFinite else {
        throw EvenkeelError.data(
          "\(table.file), \(table.location(row)), column \(weightName): expected a weight of 0 or more, got \"\(table.cell(row: row, column: column))\"."
        )
      }
      return Float(value)
    }
  }

  /// - Parameters:
  ///   - known: The features of all rows; nil to read those of `rows`.
  ///   - hasWeights: Whether the column of weights is wanted, if training had one; that it is missing is a warning.
  func dataset(
    _ table: Table, rows: RowNumbers, features known: ExampleStorage? = nil, hasTargets: Bool, hasWeights: Bool = true,
    warnings: inout TableWarnings
  ) throws -> Dataset {
    let width = columns.reduce(0) { $0 + $1.width }
    let examples = try known ?? features(table, rows: rows, width: width, warnings: &warnings)
    var dataset = Dataset(
      shape: [width], examples: examples, rows: known == nil ? nil : rows.compact,
      targets: hasTargets ? try targets(table, rows: rows) : .none, encoding: self)
    guard hasWeights, let weightName else { return dataset }
    dataset.weights = try weights(table, rows: rows)
    if dataset.weights == nil { warnings.add(.noWeights, once: weightName, weightName) }
    return dataset
  }
}

extension Table {
  /// The classes of `rows`; those that are not among `labels` come after them.
  func classes(in column: Int, rows: RowNumbers, labels: [String]) -> Targets {
    var (labels, places) = (labels, [String: Int32]())
    for (place, label) in labels.enumerated() { places[label] = Int32(place) }
    // The classes of the different cells, so that most texts need not be made.
    var seen: [Int32?] = []
    return .classes(
      rows.map { row in
        let code = code(row: row, column: column)
        if let code, code < seen.count, let place = seen[code] { return place }
        let text = cell(row: row, column: column)
        let place =
          places[text] ?? content(row: row, column: column).number.flatMap { places[TableEncoding.label($0)] }
          ?? Int32(labels.count)
        if place == Int32(labels.count) { labels.append(text) }
        places[text] = place
        if let code {
          if code >= seen.count { seen += Array(repeating: nil, count: code + 1 - seen.count) }
          seen[code] = place
        }
        return place
      }, labels: labels)
  }
}
