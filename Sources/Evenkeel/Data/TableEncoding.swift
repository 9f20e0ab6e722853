/// How the columns of a table become features, and one of them the target; fitted on training rows only.
///
/// A numeric column gives its number, the training mean where it is missing, and, where training had missing values,
/// one more feature that says so. A column of text gives one feature per category, all 0 for a category training never
/// saw.
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

  /// Fits the encoding to rows of `table`.
  /// - Throws: `EvenkeelError`: `usage` for an unknown target or column of weights, `data` that names line and column of text
  ///   among numbers.
  package init(fittedTo table: Table, rows: [Int], target: String?, weight: String? = nil) throws {
    if let weight, !table.names.contains(weight) {
      throw EvenkeelError.usage(
        "\(table.file) has no column \"\(weight)\" of weights; it has \(table.names.joined(separator: ", ")).")
    }
    let name = target ?? table.names.last { $0 != weight } ?? table.names.last!
    guard name != weight else {
      throw EvenkeelError.usage("\(table.file): the column \"\(name)\" cannot be both the target and the weight.")
    }
    guard let targetColumn = table.names.firstIndex(of: name) else {
      throw EvenkeelError.usage(
        "\(table.file) has no column \"\(name)\" to predict; it has \(table.names.joined(separator: ", ")).")
    }
    guard table.names.count > (weight == nil ? 1 : 2) else {
      throw EvenkeelError.data(
        "\(table.file): it has no column besides the target\(weight == nil ? "" : " or the weight").")
    }
    targetName = name
    weightName = weight
    self.targetColumn = nil
    classLabels = try Self.classes(table, rows: 0..<table.rowCount, column: targetColumn)
    var isInDouble = false
    columns = try table.names.indices.filter { $0 != targetColumn && table.names[$0] != weight }.map { index in
      try Column(name: table.names[index], kind: Self.kind(table, rows, index, &isInDouble))
    }
    self.isInDouble = isInDouble
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

  private static let mostCategories = 1000

  /// - Parameter needsDouble: Becomes true if floats would take from the column's numbers more than 2⁻¹⁸ of their range.
  private static func kind(_ table: Table, _ rows: [Int], _ column: Int, _ needsDouble: inout Bool) throws -> Kind {
    var (sum, numbers, missing) = (0.0, 0, 0)
    var (least, greatest, error) = (Double.infinity, -Double.infinity, 0.0)
    var texts: Set<String> = []
    var firstText: (row: Int, text: String)?
    for row in rows {
      if let value = try table.number(row: row, column: column) {
        sum += value
        numbers += 1
        (least, greatest) = (min(least, value), max(greatest, value))
        error = max(error, abs(Double(Float(value)) - value))
      } else if let text = table.text(row: row, column: column) {
        if texts.count <= mostCategories { texts.insert(text) }
        if firstText == nil { firstText = (row, text) }
      } else {
        missing += 1
      }
    }
    guard let firstText else {
      needsDouble = needsDouble || least < greatest && error > 0x1p-18 * (greatest - least)
      return .numeric(mean: numbers > 0 ? sum / Double(numbers) : 0, hasIndicator: missing > 0)
    }
    guard numbers == 0 else {
      throw EvenkeelError.data(
        "\(table.file), line \(table.lines[firstText.row]), column \(table.names[column]): expected a number, got \"\(firstText.text)\"."
      )
    }
    guard texts.count <= mostCategories else {
      throw EvenkeelError.data(
        "\(table.file), column \(table.names[column]): it has more than \(mostCategories) different texts, the most that a column of categories may have."
      )
    }
    return .categorical(texts.sorted())
  }

  /// The classes of a target column; none if it is a regression: numbers that are not whole, or of many values.
  private static func classes(_ table: Table, rows: Range<Int>, column: Int) throws -> [String] {
    var values: Set<Double> = []
    var texts: Set<String> = []
    for row in rows {
      guard let text = table.text(row: row, column: column) else {
        throw EvenkeelError.data(
          "\(table.file), line \(table.lines[row]): the target \(table.names[column]) is missing.")
      }
      texts.insert(text)
      if let value = try table.number(row: row, column: column) { values.insert(value) }
    }
    let numeric = values.count == texts.count || texts.allSatisfy { Double($0) != nil }
    guard numeric else { return texts.sorted() }
    return classLabels(for: values, rowCount: rows.count)
  }

  /// The classes that target values stand for: whole numbers, few for the number of rows. None: a regression.
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
    _ table: Table, rows: [Int], width: Int, warnings: inout [String]
  ) throws -> ExampleStorage {
    let indices = try columns.map { try table.column($0.name) }
    let places = columns.map { column -> [String: Int] in
      guard case .categorical(let categories) = column.kind else { return [:] }
      return Dictionary(categories.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }
    var unknown: Set<String> = []
    let features = try TableFeatures(
      rows: rows.count, width: width, isInDouble: isInDouble,
      for: memoryPurpose(table, rows: rows.count, width: width))
    for row in rows {
      for (position, column) in columns.enumerated() {
        let index = indices[position]
        switch column.kind {
        case .numeric(let mean, let hasIndicator):
          let value = try table.number(row: row, column: index)
          if value == nil, let text = table.text(row: row, column: index) {
            throw EvenkeelError.data(
              "\(table.file), line \(table.lines[row]), column \(column.name): expected a number, got \"\(text)\".")
          }
          guard features.append(value ?? mean) else { throw table.notFinite(row: row, column: index) }
          if hasIndicator { features.append(value == nil ? 1 : 0) }
        case .categorical:
          let text = table.text(row: row, column: index)
          let place = text.flatMap { places[position][$0] }
          if let text, place == nil, unknown.insert(column.name + text).inserted {
            warnings.append(
              "\(table.file), line \(table.lines[row]), column \(column.name): \"\(text)\" does not occur in the training data."
            )
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
    let known = Dictionary(uniqueKeysWithValues: classLabels.enumerated().map { ($1, Int32($0)) })
    return .classes(
      try rows.map { row in
        let text = table.text(row: row, column: column) ?? ""
        let whole = Double(text).flatMap { $0 == $0.rounded() && abs($0) < 1e15 ? String(Int($0)) : nil }
        guard let index = known[text] ?? whole.flatMap({ known[$0] }) else {
          throw EvenkeelError.data(
            "\(table.file), line \(table.lines[row]): the class \"\(text)\" of \(targetName) does not occur in the training data."
          )
        }
        return index
      }, labels: classLabels)
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
  package func dataset(
    _ table: Table, rows: [Int], hasTargets: Bool, hasWeights: Bool = true, warnings: inout [String]
  ) throws -> Dataset {
    let width = columns.reduce(0) { $0 + $1.width }
    let examples = try features(table, rows: rows, width: width, warnings: &warnings)
    var dataset = Dataset(
      shape: [width], examples: examples,
      targets: hasTargets ? try targets(table, rows: rows) : .none, encoding: self)
    guard hasWeights, let weightName else { return dataset }
    dataset.weights = try weights(table, rows: rows)
    if dataset.weights == nil {
      warnings.append("\(table.file): it has no column \"\(weightName)\" of weights, so every row counts the same.")
    }
    return dataset
  }
}

extension Dataset {
  /// Reads a CSV file and parts it at random; the encoding is fitted on the training part.
  /// - Parameters:
  ///   - target: The column to predict; the last one by default.
  ///   - weight: The column that says what each row counts (`Dataset.with`), which is then no feature.
  ///   - validation: The share of rows set apart for validation.
  ///   - test: The share of rows set apart for the test.
  /// - Throws: `EvenkeelError` that names file, line and column.
  public static func csv(
    at path: String, target: String? = nil, weight: String? = nil, validation: Double = 0, test: Double = 0,
    seed: UInt64 = 0
  ) throws -> DatasetSplits {
    let bytes = try FileBytes(path)
    return try bytes.reading {
      try csv(bytes, target: target, weight: weight, validation: validation, test: test, seed: seed)
    }
  }

  static func csv(
    _ bytes: FileBytes, target: String?, weight: String?, validation: Double, test: Double, seed: UInt64
  ) throws -> DatasetSplits {
    let table = try Table(bytes)
    try Dataset.requireMemory(forExamples: 4 * table.rowCount, of: table.file)
    var parts = RowSplit(count: table.rowCount, validation: validation, test: test, seed: seed)
    var encoding = try TableEncoding(fittedTo: table, rows: parts.training, target: target, weight: weight)
    if !encoding.classLabels.isEmpty,
      parts.bringEveryClassIntoTraining(try encoding.targets(table, rows: Array(0..<table.rowCount)))
    {
      encoding = try TableEncoding(fittedTo: table, rows: parts.training, target: target, weight: weight)
    }
    var warnings: [String] = []
    var splits = DatasetSplits(
      training: try encoding.dataset(table, rows: parts.training, hasTargets: true, warnings: &warnings),
      validation: try encoding.dataset(table, rows: parts.validation, hasTargets: true, warnings: &warnings),
      test: try encoding.dataset(table, rows: parts.test, hasTargets: true, warnings: &warnings))
    if !splits.training.isEmpty {
      if let weight, splits.training.weights?.contains(where: { $0 > 0 }) == false {
        throw EvenkeelError.data(
          "\(table.file), column \(weight): the weights of all \(splits.training.count) training rows are 0; expected at least one above 0."
        )
      }
      let scaling = try InputScaling(fittedTo: splits.training)
      for channel in scaling.constantChannels {
        warnings.append("\(table.file): column \(encoding.featureNames[channel]) is constant in the training rows.")
      }
    }
    splits.warnings = warnings
    return splits
  }

  /// Reads a CSV file with the encoding that a model was trained with.
  package static func csv(
    _ bytes: FileBytes, encoding: TableEncoding, targets: Bool, weights: Bool = true, warnings: inout [String]
  ) throws -> Dataset {
    let table = try Table(bytes)
    return try encoding.dataset(
      table, rows: Array(0..<table.rowCount), hasTargets: targets, hasWeights: weights, warnings: &warnings)
  }
}
