/// How the columns of a table become features, and one of them the target; fitted on training rows only.
///
/// A numeric column gives its number, the training mean where it is missing, and, where training had missing values, one
/// more feature that says so. A column of text, or of text among numbers, gives one feature a category, all 0 where it is missing
/// and for a category training never saw. A column that is none of these is not looked at.
public struct TableEncoding: Hashable, Codable, Sendable {
  enum Kind: Hashable, Codable, Sendable {
    case numeric(mean: Double, hasIndicator: Bool)
    case categorical([String])
  }

  struct Column: Hashable, Codable, Sendable {
    let name: String
    let kind: Kind

    /// The number of its features.
    fileprivate var width: Int {
      switch kind {
      case .numeric(_, let hasIndicator): hasIndicator ? 2 : 1
      case .categorical(let categories): categories.count
      }
    }
  }

  let columns: [Column]
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

  /// What each feature is called.
  public var featureNames: [String] {
    columns.flatMap { column -> [String] in
      switch column.kind {
      case .numeric(_, let hasIndicator): hasIndicator ? [column.name, column.name + " missing"] : [column.name]
      case .categorical(let categories): categories.map { "\(column.name)=\($0)" }
      }
    }
  }

  init(
    columns: [Column], targetName: String, classLabels: [String], weightName: String?, isInDouble: Bool
  ) {
    (self.columns, self.targetName, self.classLabels) = (columns, targetName, classLabels)
    (self.weightName, self.isInDouble, targetColumn) = (weightName, isInDouble, nil)
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
  }

  /// Whether both make the same features of a table, be they kept in floats or in double.
  static func agree(_ one: TableEncoding?, _ other: TableEncoding?) -> Bool {
    one?.columns == other?.columns && one?.targetName == other?.targetName && one?.classLabels == other?.classLabels
      && one?.weightName == other?.weightName && one?.targetColumn == other?.targetColumn
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    columns = try container.decode([Column].self, forKey: .columns)
    targetName = try container.decode(String.self, forKey: .targetName)
    classLabels = try container.decode([String].self, forKey: .classLabels)
    targetColumn = try container.decodeIfPresent(Int.self, forKey: .targetColumn)
    weightName = try container.decodeIfPresent(String.self, forKey: .weightName)
    isInDouble = try container.decodeIfPresent(Bool.self, forKey: .isInDouble) ?? false
    if let targetColumn, !(0...columns.count).contains(targetColumn) {
      throw EvenkeelError.data(
        "The stored target column is \(targetColumn); expected 0 to \(columns.count).")
    }
  }

  /// The classes that target values stand for: whole numbers, few for so many rows. None: they are a regression.
  static func classLabels(for values: some Sequence<Double>, rowCount: Int) -> [String] {
    let few = max(2, min(100, Int(Double(rowCount).squareRoot())))
    var found: Set<Double> = []
    for value in values where found.insert(value).inserted {
      guard found.count <= few, value == value.rounded() else { return [] }
    }
    return found.sorted().map { label($0) }
  }

  /// What a class is called whose target value is `value`: 3, not 3.0.
  static func label(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
  }

  /// The features of `rows`, columns matched by name, others ignored.
  /// - Parameter width: The number of features of a row.
  /// - Throws: `EvenkeelError` with code `data` that names a missing column, text where numbers were, or the columns that make more
  ///   features than there is memory for.
  private func features(
    _ table: Table, rows: [Int], width: Int, warnings: inout TableWarnings
  ) throws -> ExampleStorage {
    let indices = try columns.map { try table.column($0.name) }
    let places = columns.map { column -> [String: Int] in
      guard case .categorical(let categories) = column.kind else { return [:] }
      return Dictionary(categories.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }
    let features = try TableFeatures(
      rows: rows.count, width: width, isInDouble: isInDouble,
      for: memoryPurpose(table, rows: rows.count, width: width))
    for row in rows {
      for (position, column) in columns.enumerated() {
        let index = indices[position]
        switch column.kind {
        case .numeric(let mean, let hasIndicator):
          let value = try table.number(row: row, column: index)
          if value == nil, let text = table.textAmongNumbers(row: row, column: index) {
            throw EvenkeelError.data(
              "\(table.file), line \(table.lines[row]), column \(column.name): expected a number, got \"\(text)\".")
          }
          guard features.append(value ?? mean) else { throw table.notFinite(row: row, column: index) }
          if hasIndicator { features.append(value == nil ? 1 : 0) }
        case .categorical:
          let text = table.cell(row: row, column: index)
          let place = places[position][text]
          if place == nil, !Table.isMissing(text) {
            warnings.add(
              .unknownText, once: column.name + text,
              "\"\(text)\" (column \(column.name), line \(table.lines[row]))")
          }
          features.append(category: place, of: column.width)
        }
      }
    }
    return features.storage
  }

  /// What the memory of features is for, with the columns that make most of them.
  private func memoryPurpose(_ table: Table, rows: Int, width: Int) -> String {
    let widest = columns.sorted { $0.width > $1.width }.prefix(3).filter { $0.width > 2 }
    let named =
      widest.isEmpty
      ? "" : " (most of them in " + widest.map { "\($0.name): \($0.width) categories" }.joined(separator: ", ") + ")"
    return "\(table.file): a table of \(rows) rows and \(width) features\(named)"
  }

  /// Leaves out the rows that have no target.
  /// - Throws: `EvenkeelError` with code `data` if the table has no column of targets, or none in any row.
  func keepRowsWithTarget(of table: inout Table, warnings: inout TableWarnings) throws {
    let column = try table.column(targetName)
    let isOfNumbers = classLabels.allSatisfy { Double($0) != nil }
    table.keepRowsWithTarget(in: column, isOfNumbers: isOfNumbers, except: classLabels, warnings: &warnings)
  }

  func targets(_ table: Table, rows: [Int]) throws -> Targets {
    let column = try table.column(targetName)
    if classLabels.isEmpty {
      return .values(
        try rows.map { row in
          guard let value = try table.number(row: row, column: column) else {
            throw EvenkeelError.data(
              "\(table.file), line \(table.lines[row]): the target \(targetName) is not a number.")
          }
          return value
        }, names: [targetName])
    }
    return table.classes(in: column, rows: rows, labels: classLabels)
  }

  /// What each row counts; nil where there is no column of weights.
  private func weights(_ table: Table, rows: [Int]) throws -> [Float]? {
    guard let weightName, table.names.contains(weightName) else { return nil }
    let column = try table.column(weightName)
    return try rows.map { row in
      guard let value = try table.number(row: row, column: column), value >= 0, Float(value).isFinite else {
        throw EvenkeelError.data(
          "\(table.file), line \(table.lines[row]), column \(weightName): expected a weight of 0 or more, got \"\(table.cell(row: row, column: column))\"."
        )
      }
      return Float(value)
    }
  }

  /// - Parameter hasWeights: Whether the column of weights is wanted, if training had one; that it is missing is a warning.
  func dataset(
    _ table: Table, rows: [Int], hasTargets: Bool, hasWeights: Bool = true, warnings: inout TableWarnings
  ) throws -> Dataset {
    let width = columns.reduce(0) { $0 + $1.width }
    let examples = try features(table, rows: rows, width: width, warnings: &warnings)
    var dataset = Dataset(
      shape: [width], examples: examples,
      targets: hasTargets ? try targets(table, rows: rows) : .none, encoding: self)
    guard hasWeights, let weightName else { return dataset }
    dataset.weights = try weights(table, rows: rows)
    if dataset.weights == nil { warnings.add(.noWeights, once: weightName, weightName) }
    return dataset
  }
}

extension Table {
  /// The classes of `rows`; those that are not among `labels` come after them.
  func classes(in column: Int, rows: [Int], labels: [String]) -> Targets {
    var (labels, places) = (labels, [String: Int32]())
    for (place, label) in labels.enumerated() { places[label] = Int32(place) }
    return .classes(
      rows.map { row in
        let text = cell(row: row, column: column)
        if let place = places[text] { return place }
        let whole = Double(text).flatMap { $0 == $0.rounded() && abs($0) < 1e15 ? String(Int($0)) : nil }
        let place = whole.flatMap { places[$0] } ?? Int32(labels.count)
        if place == Int32(labels.count) { labels.append(text) }
        places[text] = place
        return place
      }, labels: labels)
  }
}
