/// What stands at the edges of a heat map whose cells have names.
struct CellNames {
  /// From the lowest row up.
  let rows: [String]
  private let columns: [String]
  /// Every so many columns have a label.
  private let pitch: Int

  /// Names at the columns where all of them fit; otherwise numbers, which the rows then show too.
  /// - Parameter width: That of a panel with the labels of its rows.
  /// - Returns: nil for axes of numbers.
  init?(_ figure: Figure, width: Double) {
    guard let rows = figure.y.categories, let columns = figure.x.categories, !columns.isEmpty else { return nil }
    let room = width / 4
    func cell(_ rows: [String]) -> Double {
      (width - 10 - (rows.map { textWidth($0, size: 12) }.max() ?? 0)) / Double(columns.count)
    }
    let short = rows.map { Self.cut($0, to: room) }
    if columns.allSatisfy({ textWidth($0, size: 12) + 8 <= cell(short) }) {
      (self.rows, self.columns, pitch) = (short, columns, 1)
    } else {
      self.rows = rows.map { row in
        Self.cut((columns.firstIndex(of: row).map { "\($0 + 1)  " } ?? "") + row, to: room)
      }
      self.columns = columns.indices.map { "\($0 + 1)" }
      let needed = textWidth("\(columns.count)", size: 12) + 6
      pitch = max(1, Int((needed / max(1, cell(self.rows))).rounded(.up)))
    }
  }

  /// The least height at which the rows' names do not touch.
  var height: Double { 19 * Double(rows.count) }

  func rowTicks(_ axis: CellAxis) -> [(at: Double, label: String)] {
    rows.enumerated().map { (axis.edge($0) + axis.pitch / 2, $1) }
  }

  func columnTicks(_ axis: CellAxis) -> [(at: Double, label: String)] {
    stride(from: 0, to: columns.count, by: pitch).map { (axis.edge($0) + axis.pitch / 2, columns[$0]) }
  }

  private static func cut(_ text: String, to width: Double) -> String {
    guard textWidth(text, size: 12) > width else { return text }
    var text = text
    while !text.isEmpty, textWidth(text + "…", size: 12) > width { text.removeLast() }
    return text + "…"
  }
}
