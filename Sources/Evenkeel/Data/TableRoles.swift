/// Which columns of a table are features, and which is the target.
struct TableRoles {
  let target: Int
  let weight: String?
  let features: [Int]
  /// The names of columns that are left out as was said.
  let ignored: [String]

  /// - Parameters:
  ///   - target: The name of the column to predict; by default the last one that is neither weight nor ignored.
  ///   - weight: The name of the column of weights; nil if there is none.
  ///   - ignored: The names of columns that are left out.
  ///   - kinds: What columns are, by name; one that is named is not left out as a row number.
  /// - Throws: `EvenkeelError`: `usage` for an unknown column or one with two roles, `data` if no feature is left.
  init(
    of table: Table, target: String?, weight: String?, ignoring ignored: [String],
    kinds: [String: TableOptions.ColumnKind] = [:], warnings: inout TableWarnings
  ) throws {
    func column(_ name: String, _ purpose: String) throws -> Int {
      guard let index = table.names.firstIndex(of: name) else {
        throw EvenkeelError.usage(
          "\(table.file) has no column \"\(name)\" \(purpose); it has \(table.names.joined(separator: ", ")).")
      }
      return index
    }
    if let weight { _ = try column(weight, "of weights") }
    for name in ignored { _ = try column(name, "to ignore") }
    for name in kinds.keys.sorted() {
      _ = try column(name, "to give a kind")
      guard !ignored.contains(name) else {
        throw EvenkeelError.usage("\(table.file): the column \"\(name)\" cannot be both ignored and of a kind.")
      }
    }
    let empty = table.names.indices.filter { table.names[$0].isEmpty && Self.isEmpty(table, $0) }
    let possible = table.names.indices.filter { index in
      let name = table.names[index]
      return name != weight && !ignored.contains(name) && !empty.contains(index)
    }
    guard let targetColumn = try target.map({ try column($0, "to predict") }) ?? possible.last else {
      throw EvenkeelError.data("\(table.file): no column is left to predict.")
    }
    let name = table.names[targetColumn]
    guard name != weight else {
      throw EvenkeelError.usage("\(table.file): the column \"\(name)\" cannot be both the target and the weight.")
    }
    for (role, taken) in [("target", name), ("weight", weight)] where taken.map(ignored.contains) ?? false {
      throw EvenkeelError.usage("\(table.file): the column \"\(taken!)\" cannot be both the \(role) and ignored.")
    }
    for name in [name, weight] where name.map({ kinds[$0] != nil }) ?? false {
      throw EvenkeelError.usage(
        "\(table.file): the kind of the column \"\(name!)\" cannot be given: it is the target or the weight; --task says what a target is."
      )
    }
    var features = possible.filter { $0 != targetColumn }
    if features.first == 0, kinds[table.names[0]] == nil, Self.numbersRows(table) {
      features.removeFirst()
      warnings.add(.rowNumbers)
    }
    guard !features.isEmpty else {
      throw EvenkeelError.data(
        "\(table.file): no column besides the target\(weight == nil ? "" : " or the weight") is left to predict it from."
      )
    }
    (self.target, self.weight, self.features, self.ignored) = (targetColumn, weight, features, ignored)
  }

  /// The columns that are read.
  func all(in table: Table) -> [Int] {
    features + [target] + (weight.flatMap { table.names.firstIndex(of: $0) }.map { [$0] } ?? [])
  }

  private static func isEmpty(_ table: Table, _ column: Int) -> Bool {
    (0..<table.rowCount).allSatisfy { table.cell(row: $0, column: column).isEmpty }
  }

  /// Whether the first column has no name, or pandas' name for none, and a whole number of its own in each row: R and pandas write row
  /// numbers so. Where rows were left out or shuffled before, they do not count up by one.
  private static func numbersRows(_ table: Table) -> Bool {
    guard ["", "Unnamed: 0"].contains(table.names[0]) else { return false }
    var seen: Set<Int> = []
    return (0..<table.rowCount).allSatisfy { row in
      guard let number = Int(table.cell(row: row, column: 0)), number >= 0 else { return false }
      return seen.insert(number).inserted
    }
  }
}
