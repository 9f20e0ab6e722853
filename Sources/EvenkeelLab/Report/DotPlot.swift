/// Places on a plane, such as a true and a predicted value.
package struct Dots: Codable, Hashable, Sendable {
  package struct Place: Codable, Hashable, Sendable {
    package let x, y: Double

    package init(x: Double, y: Double) { (self.x, self.y) = (x, y) }
  }

  package var side: Side
  /// Those that are finite.
  package private(set) var places: [Place]
  /// Whether both axes have the same quantity: they then span the same, and a line shows where they are equal.
  package var hasDiagonal: Bool

  package init(side: Side, places: [Place], hasDiagonal: Bool = false) {
    (self.side, self.hasDiagonal) = (side, hasDiagonal)
    self.places = places.filter { $0.x.isFinite && $0.y.isFinite }
  }
}

extension Canvas {
  /// A dot for each place; dense crowds are darker.
  mutating func draw(_ dots: Dots, of figure: Figure, _ domains: (x: ClosedRange<Double>, y: ClosedRange<Double>)) {
    let left = Frame.margin(figure.y, domains.y)
    let room = width - left - 24
    let side = min(room, 400)
    let frame = Frame(
      left: left, top: height + Frame.header, width: dots.hasDiagonal ? side : room, height: side,
      x: (figure.x, domains.x), y: (figure.y, domains.y))
    axes(frame, x: figure.x, y: figure.y)
    if dots.hasDiagonal { line(frame.left, frame.bottom, frame.right, frame.top, "reference") }
    clipped(frame.left, frame.top, frame.width, frame.height) { canvas in
      for place in dots.places {
        guard let x = frame.x(place.x), let y = frame.y(place.y) else { continue }
        canvas.dot(x, y, radius: 2.5, "speck \(dots.side.style)")
      }
    }
    references(figure.references, in: frame)
    height = frame.bottom + Frame.footer
  }
}

extension Figure {
  /// What the axes of `dots` span; nil without a place on them.
  func domains(of dots: Dots) -> (x: ClosedRange<Double>, y: ClosedRange<Double>)? {
    let (xs, ys) = (dots.places.map(\.x), dots.places.map(\.y))
    if dots.hasDiagonal { return y.domain(of: xs + ys, .ticks).map { ($0, $0) } }
    guard let across = x.domain(of: xs, .ticks), let up = y.domain(of: ys, .ticks) else { return nil }
    return (across, up)
  }
}
