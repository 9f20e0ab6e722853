import Evenkeel

extension ColumnDescription {
  /// The columns of a table below each other, with how much is missing where that is known.
  static func lines(_ columns: [ColumnDescription]) -> [String] {
    let tellsMissing = columns.contains { $0.missing != nil }
    func row(_ name: String, _ kind: String, _ missing: String, _ holds: String, _ becomes: String) -> [String] {
      [name, kind] + (tellsMissing ? [missing] : []) + [holds, becomes]
    }
    let rows =
      [row("column", "kind", "missing", "holds", "becomes")]
      + columns.map { row($0.shownName, $0.kind ?? "", $0.missingText, $0.contentText, $0.use) }
    let widths = rows[0].indices.map { place in (rows.map { $0[place].count }.max() ?? 0) + 2 }
    return rows.map { row in zip(row, widths).dropLast().map { $0.padded(to: $1) }.joined() + row.last! }
  }

  private var shownName: String { name.isEmpty ? "(no name)" : Self.cut(name, to: 30) }
  private var missingText: String {
    missing.map { $0 == 0 ? "" : NumberText.plain.percent($0, decimals: 1) } ?? ""
  }

  private var contentText: String {
    let number = { NumberText.plain.short($0, digits: 6) }
    if let mean {
      guard let least, let greatest else { return "mean \(number(mean))" }
      return "\(number(least)) to \(number(greatest)), mean \(number(mean))"
    }
    if let first, let last { return "\(first) to \(last)" }
    guard !categories.isEmpty else { return "" }
    let shown = categories.prefix(3).map { text, rows in
      Self.cut(text, to: 16) + (rows.map { " \($0)" } ?? "")
    }
    return "\(categories.count): " + (shown + (categories.count > 3 ? ["…"] : [])).joined(separator: ", ")
  }

  private static func cut(_ text: String, to length: Int) -> String {
    text.count > length ? text.prefix(length - 1) + "…" : text
  }
}

/// A column of a table in JSON.
struct ColumnLine: Encodable {
  let column: String
  let kind: String?
  let missing: Double?
  let least, greatest, mean: Double?
  let first, last: String?
  let categories: Int?
  let becomes: String

  init(_ column: ColumnDescription) {
    (self.column, kind, missing) = (column.name, column.kind, column.missing)
    (least, greatest, mean) = (column.least, column.greatest, column.mean)
    (first, last) = (column.first, column.last)
    categories = column.kind == "category" ? column.categories.count : nil
    becomes = column.use
  }
}
