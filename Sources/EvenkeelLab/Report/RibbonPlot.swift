extension Canvas {
  /// A panel for each side: 15th, 50th and 85th percentile as lines, with a ribbon between them.
  mutating func drawRibbons(
    _ ribbons: [Curve], of figure: Figure, _ domains: (x: ClosedRange<Double>, y: ClosedRange<Double>)
  ) {
    let margin = Frame.margin(figure.y, domains.y)
    let labels = 42.0
    let panels = panels(ribbons.count, left: 0, gap: 18)
    let inner = format == .wide ? 230.0 : 170.0
    yTitle(figure.y, y: height + 14)
    let top = height + 26
    let pitch = inner + Frame.footer + 34
    for (ribbon, panel) in zip(ribbons, panels) {
      let style = ribbon.side.style
      let frame = Frame(
        left: panel.left + margin, top: top + Double(panel.row) * pitch + 24, width: panel.width - margin - labels,
        height: inner, x: (figure.x, domains.x), y: (figure.y, domains.y))
      text(
        fitted(ribbon.name, width: panel.width - margin), frame.left, frame.top - 10, "panel-title \(style)")
      axes(frame, x: figure.x, y: figure.y, hasYTitle: false)
      clipped(frame.left, frame.top, frame.width, frame.height) { canvas in
        canvas.band(ribbon, in: frame)
        canvas.path(frame.path(ribbon.points) { $0.low }, "line thin \(style)")
        canvas.path(frame.path(ribbon.points) { $0.high }, "line thin \(style)")
        canvas.line(ribbon, in: frame)
      }
      references(figure.references, in: frame)
      if let last = ribbon.points.last(where: { $0.median != nil }) {
        var floor = -Double.infinity
        for (value, name) in [(last.high, "85th"), (last.median, "50th"), (last.low, "15th")] {
          guard let place = frame.place(last.x, value) else { continue }
          let y = max(min(max(place.y, frame.top), frame.bottom), floor)
          text(name, place.x + 6, y + 4, "label halo small \(style)")
          floor = y + 14
        }
      }
      height = max(height, frame.bottom + Frame.footer)
    }
    if let note = divergence(of: ribbons) { self.note(note) }
  }

  /// `text`, cut to `width` with an ellipsis.
  func fitted(_ text: String, width: Double, size: Double = 13) -> String {
    guard textWidth(text, size: size, isBold: true) > width else { return text }
    var text = text
    while !text.isEmpty, textWidth(text + "…", size: size, isBold: true) > width { text.removeLast() }
    return text + "…"
  }
}
