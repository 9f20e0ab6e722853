/// A CSV file, parted into rows for training and others, with the encoding that the training rows give.
struct FittedTable {
  let table: Table
  let roles: TableRoles
  let kind: TargetKind
  let parts: RowSplit
  /// The number of each row in the file, from 0; nil where none was left out.
  let numbers: [Int]?
  let encoding: TableEncoding
  /// The features of all rows, if they are nothing but the numbers of the table.
  let features: ExampleStorage?
  var warnings: TableWarnings

  /// The bytes that the features take.
  var featureSize: Int { table.rowCount * encoding.columns.reduce(0) { $0 + $1.width } * (encoding.isInDouble ? 8 : 4) }

  /// - Parameter room: The bytes of features that may be kept in memory.
  /// - Throws: `EvenkeelError` that names file, line and column.
  init(
    _ bytes: FileBytes, target: String?, weight: String?, ignoring ignored: [String], options: TableOptions,
    validation: Double, test: Double, fold: Fold? = nil, seed: UInt64, room: Int
  ) throws {
    var table = try Table(bytes, hasHeader: options.hasHeader)
    table.markers = Set(options.missing)
    try Dataset.requireMemory(forRows: table.rowCount, of: table.file)
    var warnings = TableWarnings(of: table)
    let roles = try TableRoles(
      of: table, target: target, weight: weight, ignoring: ignored, kinds: options.columns, warnings: &warnings)
    try table.findDecimals(of: roles.all(in: table), given: options.decimal)
    let lines = table.lines
    try table.keepRowsWithTarget(in: roles.target, warnings: &warnings)
    numbers = table.rowCount < lines.count ? Self.places(of: table.lines, in: lines) : nil
    try table.requireTarget(table.names[roles.target])
    let kind = try table.targetKind(roles.target, task: options.task, &warnings)
    let targets =
      kind.labels.isEmpty
      ? Targets.none : table.classes(in: roles.target, rows: RowNumbers(0..<table.rowCount), labels: kind.labels)
    let parts =
      try fold.map { try RowSplit($0, of: table.rowCount, targets: targets, validation: validation, seed: seed) }
      ?? RowSplit(count: table.rowCount, targets: targets, validation: validation, test: test, seed: seed)
    let given = table.names.indices.filter { options.columns[table.names[$0]] != nil }
    let survey = try TableSurvey(
      table, training: parts.training, features: roles.features, exact: Set(given),
      keepsNumbers: 4 * table.rowCount * roles.features.count <= room)
    let encoding = try TableEncoding(
      fittedTo: table, survey, rows: parts.training, roles: roles, target: kind, options: options, warnings: &warnings)
    features = survey.features(of: table, as: encoding)
    (self.table, self.roles, self.kind) = (table, roles, kind)
    (self.parts, self.encoding, self.warnings) = (parts, encoding, warnings)
  }

  /// Where each of `kept`, some of `lines`, is among these; both rise.
  private static func places(of kept: [Int32], in lines: [Int32]) -> [Int] {
    var place = 0
    return kept.map { line in
      while lines[place] != line { place += 1 }
      defer { place += 1 }
      return place
    }
  }
}
