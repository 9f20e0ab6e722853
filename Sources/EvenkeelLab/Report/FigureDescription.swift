import Evenkeel

extension Figure {
  /// The picture in words: `alternative`, or what its axes and marks are, with the values where they begin and end.
  var description: String { alternative ?? "\(kind) \(axes) \(contents)" }

  private var kind: String {
    switch plot {
    case .curves(let curves): "Line chart with \(counted(curves.count, "line"))."
    case .ribbons(let curves): "Percentiles over time in \(counted(curves.count, "panel"))."
    case .heatMaps(let surfaces, let value, _): "Heat map of \(value.label) in \(counted(surfaces.count, "panel"))."
    case .contours(let surfaces, let value): "Contours of \(value.label) in \(counted(surfaces.count, "panel"))."
    case .intervals(let intervals): "\(counted(intervals.count, "value")) with intervals."
    case .dots(let dots): "\(counted(dots.places.count, "dot"))."
    }
  }

  private var axes: String {
    let scale = { (axis: Axis) in axis.scale == .logarithmic ? ", logarithmic" : "" }
    return "Horizontally: \(x.label)\(scale(x)). Vertically: \(y.label)\(scale(y))."
  }

  private var contents: String {
    switch plot {
    case .curves(let curves), .ribbons(let curves): curves.map(course).joined(separator: " ")
    case .heatMaps(let surfaces, _, let threshold): surfaces.map { extent($0, threshold) }.joined(separator: " ")
    case .contours(let surfaces, _): surfaces.map { extent($0, nil) }.joined(separator: " ")
    case .intervals(let intervals): intervals.map(place).joined(separator: " ")
    case .dots: ""
    }
  }

  private func course(_ curve: Curve) -> String {
    let known = curve.points.filter { $0.median != nil }
    guard let first = known.first, let last = known.last else { return "\(curve.name): no finite value." }
    let number = { NumberText.page.significant($0) }
    let diverged = divergence(of: [curve]) == nil ? "" : ", diverged elsewhere"
    return "\(curve.name): from \(number(first.median!)) at \(number(first.x)) to \(number(last.median!)) at "
      + "\(number(last.x))\(diverged)."
  }

  private func extent(_ surface: Surface, _ threshold: Double?) -> String {
    let values = surface.values
    guard let low = values.min(), let high = values.max() else { return "\(surface.name): no finite value." }
    var text = "\(surface.name): from \(NumberText.page.significant(low)) to \(NumberText.page.significant(high))"
    if let threshold {
      let cells = surface.cells.joined().count { $0 != .missing }
      let reached = values.count { $0 >= threshold }
      text += "; \(reached) of \(cells) places reach \(NumberText.page.significant(threshold))"
    }
    let diverged = surface.cells.joined().count { $0 == .diverged }
    return text + (diverged > 0 ? "; \(diverged) diverged." : ".")
  }

  private func place(_ interval: Interval) -> String {
    let name = [interval.category, interval.name].filter { !$0.isEmpty }.joined(separator: ", ")
    guard let value = interval.value else { return "\(name): diverged." }
    guard let low = interval.low, let high = interval.high else {
      return "\(name): \(NumberText.page.significant(value))."
    }
    let text = NumberText.page.estimate(value, low, high)
    return "\(name): \(text.value), interval \(text.low) to \(text.high)."
  }

  private func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
}
