/// A CSV file, parted into rows for training and others, with the encoding that the training rows give.
struct FittedTable {
  private(set) var table: Table
  let roles: TableRoles
  let kind: TargetKind
  private(set) var parts: RowSplit
  private(set) var encoding: TableEncoding
  /// The features of all rows, if they are nothing but the numbers of the table.
  let numbers: ExampleStorage?
  var warnings: TableWarnings

  /// - Throws: `EvenkeelError` that names file, line and column.
  init(
    _ bytes: FileBytes, target: String?, weight: String?, ignoring ignored: [String], options: TableOptions,
    validation: Double, test: Double, seed: UInt64
  ) throws {
    var table = try Table(bytes, hasHeader: options.hasHeader)
    table.markers = Set(options.missing)
    try Dataset.requireMemory(forExamples: 4 * table.rowCount, of: table.file)
    var warnings = TableWarnings(of: table)
    let roles = try TableRoles(
      of: table, target: target, weight: weight, ignoring: ignored, kinds: options.columns, warnings: &warnings)
    try table.findDecimals(of: roles.all(in: table), given: options.decimal)
    try table.keepRowsWithTarget(in: roles.target, warnings: &warnings)
    let kind = try table.targetKind(roles.target, task: options.task, &warnings)
    var parts = RowSplit(count: table.rowCount, validation: validation, test: test, seed: seed)
    let before = warnings
    func survey() throws -> TableSurvey {
      let given = table.names.indices.filter { options.columns[table.names[$0]] != nil }
      return try TableSurvey(table, training: parts.training, features: roles.features, exact: Set(given))
    }
    var found = try survey()
    var encoding = try TableEncoding(
      fittedTo: table, found, rows: parts.training, roles: roles, target: kind, options: options, warnings: &warnings)
    if !encoding.classLabels.isEmpty,
      parts.bringEveryClassIntoTraining(try encoding.targets(table, rows: Array(0..<table.rowCount)))
    {
      warnings = before
      found = try survey()
      encoding = try TableEncoding(
        fittedTo: table, found, rows: parts.training, roles: roles, target: kind, options: options, warnings: &warnings)
    }
    (self.table, self.roles, self.kind) = (table, roles, kind)
    (self.parts, self.encoding, self.warnings) = (parts, encoding, warnings)
    numbers = found.features(of: table, as: encoding)
  }
}
