import Evenkeel

extension Canvas {
  /// A panel for each surface, and one color bar below.
  mutating func drawHeatMaps(
    _ surfaces: [Surface], of figure: Figure, value: Axis, domain: ClosedRange<Double>, threshold: Double?
  ) {
    let panels = panels(surfaces.count, left: 0, gap: 20)
    let names = CellNames(figure, width: panels.first?.width ?? 0)
    let rowLabels =
      names?.rows
      ?? surfaces.flatMap { surface in
        CellAxis(places: surface.rows, scale: figure.y.scale, start: 0, end: 1).ticks(room: 12).map(\.label)
      }
    let margin = 10 + (rowLabels.map { textWidth($0, size: 12) }.max() ?? 0)
    let inner = (panels.first?.width ?? 0) - margin
    let cellHeight = max(min(inner * 0.8, 250), names?.height ?? 0)
    let hasNotes = surfaces.contains { $0.note != nil }
    let head = hasNotes ? 48.0 : surfaces.allSatisfy(\.name.isEmpty) ? 8 : 30
    yTitle(figure.y, y: height + 14)
    let top = height + 24
    for (surface, panel) in zip(surfaces, panels) {
      let y = top + head + Double(panel.row) * (cellHeight + Frame.footer + head)
      let left = panel.left + margin
      text(fitted(surface.name, width: inner), left, y - (hasNotes ? 27 : 9), "panel-title \(surface.side.style)")
      if let note = surface.note { text(fitted(note, width: inner, size: 12), left, y - 9, "note") }
      let columns = CellAxis(places: surface.columns, scale: figure.x.scale, start: left, end: left + inner)
      let rows = CellAxis(places: surface.rows, scale: figure.y.scale, start: y + cellHeight, end: y)
      cells(surface, columns, rows, value: value, domain: domain)
      if let threshold { outline(surface, columns, rows, from: threshold) }
      for tick in names?.rowTicks(rows) ?? rows.ticks(room: Int(cellHeight / 18)) {
        text(tick.label, left - 7, tick.at + 4, "tick", .end)
      }
      for tick in names?.columnTicks(columns) ?? columns.ticks(room: max(2, Int(inner / 44))) {
        xTick(tick.label, tick.at, y + cellHeight)
      }
      xTitle(figure.x, left: left, right: left + inner, y: y + cellHeight + 37)
      height = max(height, y + cellHeight + Frame.footer)
    }
    colorBar(
      value, domain, surfaces: surfaces, threshold: threshold, missing: names == nil ? "not tried" : "none there")
  }

  private mutating func cells(
    _ surface: Surface, _ columns: CellAxis, _ rows: CellAxis, value: Axis, domain: ClosedRange<Double>
  ) {
    let (width, height) = (columns.pitch, -rows.pitch)
    for (row, line) in surface.cells.enumerated() {
      for (column, cell) in line.enumerated() {
        let (x, y) = (columns.edge(column), rows.edge(row + 1))
        switch cell {
        case .missing:
          rectangle(x, y, width, height, "missing")
        case .diverged:
          rectangle(x, y, width, height, "diverged")
          if min(width, height) > 8 { cross(x + width / 2, y + height / 2, "dark") }
        case .value(let number):
          let share = value.scale.share(of: number, in: domain) ?? 0
          rectangle(x, y, width, height, fill: ColorRamp.color(share))
          let label = NumberText.page.significant(number, digits: 2)
          if height > 17, textWidth(label, size: 11) < width - 2 {
            text(label, x + width / 2, y + height / 2 + 4, ColorRamp.isLight(share) ? "on-light" : "on-dark", .middle)
          }
        }
      }
    }
  }

  /// A line around the cells whose value reaches `threshold`.
  private mutating func outline(_ surface: Surface, _ columns: CellAxis, _ rows: CellAxis, from threshold: Double) {
    func reaches(_ row: Int, _ column: Int) -> Bool {
      guard surface.cells.indices.contains(row), surface.cells[row].indices.contains(column),
        case .value(let value) = surface.cells[row][column]
      else { return false }
      return value >= threshold
    }
    var edges = ""
    for row in 0...surface.rows.count {
      for column in 0...surface.columns.count {
        let (x, y) = (px(columns.edge(column)), px(rows.edge(row)))
        if reaches(row, column) != reaches(row - 1, column) { edges += "M\(x) \(y)H\(px(columns.edge(column + 1)))" }
        if reaches(row, column) != reaches(row, column - 1) { edges += "M\(x) \(y)V\(px(rows.edge(row + 1)))" }
      }
    }
    path(edges, "outline-halo")
    path(edges, "outline")
  }

  private mutating func colorBar(
    _ value: Axis, _ domain: ClosedRange<Double>, surfaces: [Surface], threshold: Double?, missing: String
  ) {
    let left = 10.0
    let length = format == .wide ? 300.0 : width - 30
    let y = height + 22
    text(value.label, left, y, "axis-title value-title")
    let steps = 60
    for step in 0..<steps {
      // A little overlap: no seams.
      rectangle(
        left + length * Double(step) / Double(steps), y + 8, length / Double(steps) + (step < steps - 1 ? 0.6 : 0), 12,
        fill: ColorRamp.color((Double(step) + 0.5) / Double(steps)))
    }
    let bar = Scale(value.scale, domain: domain, from: left, to: left + length)
    let ticks = Ticks(domain, scale: value.scale, count: 5)
    for (number, label) in zip(ticks.values, ticks.labels) {
      guard let x = bar(number) else { continue }
      xTick(label, x, y + 20)
    }
    height = y + 44
    let cells = surfaces.flatMap { $0.cells.joined() }
    var keys: [(style: String, text: String)] = []
    if let threshold { keys.append(("outline", "at least \(NumberText.page.significant(threshold))")) }
    if cells.contains(.diverged) { keys.append(("diverged", "diverged: no finite value")) }
    if cells.contains(.missing) { keys.append(("missing", missing)) }
    let x = format == .wide ? left + length + 40 : left
    var at = format == .wide ? y + 8 : height + 4
    for key in keys {
      rectangle(x, at, 14, 12, key.style)
      if key.style == "diverged" { cross(x + 7, at + 6, "dark") }
      text(key.text, x + 22, at + 10.5, "label")
      at += 18
    }
    if format == .narrow, !keys.isEmpty { height = at + 2 } else { height = max(height, at) }
  }
}
