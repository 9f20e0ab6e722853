extension Canvas {
  /// Lines with bands, each with its name where it ends; on a phone the names stand above.
  mutating func draw(_ curves: [Curve], of figure: Figure, _ domains: (x: ClosedRange<Double>, y: ClosedRange<Double>))
  {
    let isMarked = curves.contains(where: \.isMarked)
    let widest = curves.map { textWidth($0.name, isBold: true) }.max() ?? 0
    let namesAtEnds = format == .wide && curves.count <= 7 && widest < 190
    if !namesAtEnds { legend(curves.map { ($0.name, $0.side) }, left: 0, isMarked: isMarked) }
    let left = Frame.margin(figure.y, domains.y)
    let right = namesAtEnds ? widest + 16 : 24
    let frame = Frame(
      left: left, top: height + Frame.header, width: width - left - right, height: format == .wide ? 290 : 220,
      x: (figure.x, domains.x), y: (figure.y, domains.y),
      places: curves.allSatisfy(\.isMarked) ? curves.flatMap { $0.points.map(\.x) } : [])
    axes(frame, x: figure.x, y: figure.y)
    clipped(frame.left, frame.top, frame.width, frame.height) { canvas in
      for curve in curves where !curve.isMarked { canvas.band(curve, in: frame) }
      for (index, curve) in curves.enumerated() { canvas.line(curve, in: frame, behind: curves[..<index]) }
    }
    references(figure.references, in: frame)
    if namesAtEnds { names(curves, in: frame) }
    height = frame.bottom + Frame.footer
    if let note = divergence(of: curves) { self.note(note) }
  }

  /// The area between a curve's `low` and `high`.
  mutating func band(_ curve: Curve, in frame: Frame) {
    let runs = curve.points.split { frame.edges($0) == nil }
    for run in runs where run.count > 1 {
      let edges = run.compactMap(frame.edges)
      let over = edges.map { "\(px($0.x)) \(px($0.high))" }.joined(separator: "L")
      let back = edges.reversed().map { "\(px($0.x)) \(px($0.low))" }.joined(separator: "L")
      path("M\(over)L\(back)Z", "band \(curve.side.style)")
    }
  }

  /// The curve's median, with gaps where it has none, and crosses where that is because trials diverged. Marked curves have
  /// dots with whiskers in place of a band.
  /// - Parameter others: Their crosses stand below this curve's where both diverged.
  mutating func line(_ curve: Curve, in frame: Frame, behind others: ArraySlice<Curve> = []) {
    let style = curve.side.style
    path(frame.path(curve.points) { $0.median }, "line \(style)")
    for (index, point) in curve.points.enumerated() {
      let place = frame.place(point.x, point.median)
      if curve.isMarked {
        if let edges = frame.edges(point), edges.low - edges.high > 1 {
          line(edges.x, edges.low, edges.x, edges.high, "whisker \(style)")
        }
        if let place {
          dot(place.x, place.y, "dot \(style)")
        } else if point.diverged > 0, let x = frame.x(point.x) {
          let below = others.count { other in
            other.points.contains { $0.x == point.x && $0.median == nil && $0.diverged > 0 }
          }
          cross(x, frame.bottom - 11 * Double(below), style)
        }
      } else if let place {
        // A line that breaks off because its trials diverged ends in a cross; a single place is a dot.
        let next = index + 1 < curve.points.count ? curve.points[index + 1] : nil
        let isStart = index == 0 || frame.place(curve.points[index - 1].x, curve.points[index - 1].median) == nil
        if let next, next.median == nil, next.diverged > 0 {
          cross(place.x, place.y, style)
        } else if isStart, next.flatMap({ frame.place($0.x, $0.median) }) == nil {
          dot(place.x, place.y, "dot \(style)")
        }
      }
    }
  }

  /// Each curve's name right of the frame, at the height where it ends, moved apart where they would touch.
  private mutating func names(_ curves: [Curve], in frame: Frame) {
    let spacing = 17.0
    let curves = curves.filter { !$0.name.isEmpty }
    var labels: [(name: String, style: String, from: (x: Double, y: Double)?, y: Double)] = curves.map { curve in
      let last = curve.points.reversed().lazy.compactMap { frame.place($0.x, $0.median) }.first
      let y = min(max(last?.y ?? frame.bottom, frame.top), frame.bottom)
      return (curve.name, curve.side.style, last, y)
    }
    labels.sort { ($0.y, $0.name) < ($1.y, $1.name) }
    for index in labels.indices.dropFirst() { labels[index].y = max(labels[index].y, labels[index - 1].y + spacing) }
    var limit = frame.bottom
    for index in labels.indices.reversed() {
      labels[index].y = min(labels[index].y, limit)
      limit = labels[index].y - spacing
    }
    for label in labels {
      if let from = label.from, frame.right - from.x > 8 || abs(from.y - label.y) > 8 {
        let y = min(max(from.y, frame.top), frame.bottom)
        line(min(from.x + 4, frame.right), y, frame.right + 9, label.y, "leader \(label.style)")
      }
      text(label.name, frame.right + 12, label.y + 4, "label halo \(label.style)")
    }
  }
}

extension Frame {
  /// Where a value lies; `nil` for a gap.
  func place(_ x: Double, _ y: Double?) -> (x: Double, y: Double)? {
    guard let y, let px = self.x(x), let py = self.y(y) else { return nil }
    return (px, py)
  }

  /// Where a point's band begins and ends. What lies below a logarithmic axis ends at its foot.
  func edges(_ point: Curve.Point) -> (x: Double, low: Double, high: Double)? {
    guard let low = point.low, let high = point.high, let x = self.x(point.x), let top = y(high) else { return nil }
    return (x, y(low) ?? bottom, top)
  }

  /// The path through a value of each point, interrupted where there is none.
  func path(_ points: [Curve.Point], _ value: (Curve.Point) -> Double?) -> String {
    var path = ""
    var isDown = false
    for point in points {
      guard let place = place(point.x, value(point)) else {
        isDown = false
        continue
      }
      path += (isDown ? "L" : "M") + "\(px(place.x)) \(px(place.y))"
      isDown = true
    }
    return path
  }
}

/// Names the curves with places at which trials diverged.
func divergence(of curves: [Curve]) -> String? {
  let parts = curves.compactMap { curve -> String? in
    let gaps = curve.points.count { $0.median == nil && $0.diverged > 0 }
    if gaps > 0 { return "“\(curve.name)” at \(gaps) of \(curve.points.count) places" }
    let some = curve.points.count { $0.diverged > 0 }
    return some > 0 ? "“\(curve.name)”, some seeds at \(some) of \(curve.points.count) places" : nil
  }
  return parts.isEmpty ? nil : "× diverged, no finite value: \(parts.joined(separator: "; "))."
}
