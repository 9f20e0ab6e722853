import Evenkeel
import Glibc

extension Canvas {
  /// A panel for each surface: rings of equal value, darker towards the bottom of the bowl.
  mutating func drawContours(_ surfaces: [Surface], of figure: Figure, value: Axis) {
    let labels = surfaces.flatMap { surface -> [String] in
      guard let domain = figure.y.domain(of: surface.rows, .tight) else { return [] }
      return Frame.verticalTicks(figure.y, domain).labels
    }
    let margin = 10 + (labels.map { textWidth($0, size: 12) }.max() ?? 0)
    let panels = panels(surfaces.count, left: 0, gap: 20)
    yTitle(figure.y, y: height + 14)
    let top = height + 24
    let head = surfaces.contains { $0.note != nil } ? 48.0 : 30.0
    var rowTop = top
    var row = 0
    for (surface, panel) in zip(surfaces, panels) {
      if panel.row != row { (row, rowTop) = (panel.row, height) }
      guard let x = figure.x.domain(of: surface.columns, .tight), let y = figure.y.domain(of: surface.rows, .tight)
      else { continue }
      // A unit is as long upwards as sideways, unless that makes a strip of the picture.
      let ratio = (y.upperBound - y.lowerBound) / (x.upperBound - x.lowerBound)
      let isEven = figure.x.scale == .linear && figure.y.scale == .linear && ratio > 0.4 && ratio < 2.5
      var width = panel.width - margin
      let tallest = 330.0
      var height = isEven ? width * ratio : min(width, 250)
      if height > tallest { (width, height) = (width * tallest / height, tallest) }
      let frame = Frame(
        left: panel.left + margin, top: rowTop + head, width: width, height: height, x: (figure.x, x), y: (figure.y, y))
      text(
        fitted(surface.name, width: panel.width - margin), frame.left, frame.top - (head > 40 ? 27 : 9),
        "panel-title \(surface.side.style)")
      if let note = surface.note {
        text(fitted(note, width: panel.width - margin, size: 12), frame.left, frame.top - 9, "note")
      }
      axes(frame, x: figure.x, y: figure.y, hasGrid: false, hasYTitle: false)
      rings(surface, in: frame)
      rectangle(frame.left, frame.top, frame.width, frame.height, "box")
      self.height = max(self.height, frame.bottom + Frame.footer)
    }
    note("Numbers at the lines: \(value.label). Levels are closer towards the lowest value (●).")
    if surfaces.contains(where: { $0.cells.joined().contains(.diverged) }) {
      note("Blank places: the value diverged there.")
    }
  }

  private mutating func rings(_ surface: Surface, in frame: Frame) {
    let values = surface.cells.map { $0.map { if case .value(let value) = $0 { value } else { Double.nan } } }
    let squares = MarchingSquares(
      columns: surface.columns.map { frame.x($0) ?? .nan }, rows: surface.rows.map { frame.y($0) ?? .nan },
      values: values)
    let levels = Self.levels(values)
    let style = surface.side.style
    for level in levels.reversed() {
      path(squares.area(below: level).map(Self.data).joined(), "area \(style)")
    }
    // The highest point of each ring carries its number, where it does not touch the last one.
    var labels: [(text: String, x: Double, y: Double)] = []
    for level in levels {
      let lines = squares.lines(at: level)
      path(lines.map(Self.data).joined(), "ring \(style)")
      let text = NumberText.page.significant(level, digits: 2)
      let half = textWidth(text, size: 11) / 2
      let top = lines.flatMap(\.points).filter { point in
        point.x - half > frame.left && point.x + half < frame.right && point.y > frame.top + 10
          && labels.allSatisfy { abs($0.y - point.y) > 15 || abs($0.x - point.x) > half + 22 }
      }
      if let place = top.min(by: { ($0.y, $0.x) < ($1.y, $1.x) }) { labels.append((text, place.x, place.y)) }
    }
    for label in labels { text(label.text, label.x, label.y + 4, "ring-label halo", .middle) }
    if let (row, column) = lowest(values), let place = frame.place(surface.columns[column], surface.rows[row]) {
      dot(place.x, place.y, radius: 4, "dot \(style)")
    }
  }

  /// Levels whose rings in a parabolic bowl are equally far apart. Of the highest values a tenth is left out, as a few corners
  /// may be out of all proportion.
  static func levels(_ values: [[Double]], count: Int = 8) -> [Double] {
    let finite = values.joined().filter(\.isFinite).sorted()
    guard let low = finite.first else { return [] }
    let high = finite[min(finite.count - 1, finite.count * 9 / 10)]
    guard high > low else { return [] }
    return (1...count).map { low + (high - low) * pow(Double($0) / Double(count), 2) }
  }

  private func lowest(_ values: [[Double]]) -> (row: Int, column: Int)? {
    var best: (row: Int, column: Int)?
    for (row, line) in values.enumerated() {
      for (column, value) in line.enumerated() where value.isFinite {
        if let place = best, values[place.row][place.column] <= value { continue }
        best = (row, column)
      }
    }
    return best
  }

  private static func data(_ line: MarchingSquares.Line) -> String {
    guard line.points.count > 1 else { return "" }
    return "M" + line.points.map { "\(px($0.x)) \(px($0.y))" }.joined(separator: "L") + (line.isClosed ? "Z" : "")
  }
}
