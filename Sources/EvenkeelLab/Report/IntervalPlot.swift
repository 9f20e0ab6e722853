import Evenkeel

extension Canvas {
  /// Dots with whiskers from left to right, grouped by category, their numbers at the right.
  mutating func drawIntervals(_ intervals: [Interval], of figure: Figure, domain: ClosedRange<Double>) {
    var sides: [(name: String, side: Side)] = []
    for interval in intervals where !sides.contains(where: { $0.name == interval.name && $0.side == interval.side }) {
      sides.append((interval.name, interval.side))
    }
    let order = intervals.map(\.category)
    let categories = order.enumerated().filter { order.firstIndex(of: $0.element) == $0.offset }.map(\.element)
    legend(sides, left: 0, isMarked: true)
    let names = format == .wide ? min(220, 16 + (categories.map { textWidth($0) }.max() ?? 0)) : 0
    let numbers = intervals.map(Self.numbers)
    let right = format == .wide ? 14 + (numbers.map { textWidth($0, size: 12) }.max() ?? 0) : 14
    let left = max(names, 14)
    yTitle(figure.y, y: height + 14)

    // How tall the groups are.
    let pitch = 22.0
    let top = height + Frame.header
    var y = top
    var groups: [(name: [String], y: Double, bottom: Double, members: [(interval: Interval, text: String)])] = []
    for category in categories {
      let name = wrapped(category, width: (format == .wide ? names : width) - 12)
      let members = zip(intervals, numbers).filter { $0.0.category == category }.map { (interval: $0.0, text: $0.1) }
      let head = format == .wide ? 0 : 17 * Double(name.count) + 2
      let body = max(pitch * Double(members.count), format == .wide ? 17 * Double(name.count) : 0)
      groups.append((name, y + head, y + head + body + 8, members))
      y += head + body + 12
    }
    let frame = Frame(
      left: left, top: top, width: width - left - right, height: y - top, x: (figure.x, domain),
      y: (Axis(""), 0...1))
    for (value, label) in zip(frame.xTicks.values, frame.xTicks.labels) {
      guard let at = frame.x(value) else { continue }
      line(at, frame.top, at, frame.bottom, "grid")
      xTick(label, at, frame.bottom)
    }
    line(frame.left, frame.bottom, frame.right, frame.bottom, "axis")
    xTitle(figure.x, left: frame.left, right: frame.right, y: frame.bottom + 37)
    references(figure.references, in: frame)
    for (index, group) in groups.enumerated() {
      if index > 0 { line(0, groups[index - 1].bottom, width, groups[index - 1].bottom, "separator") }
      let nameTop = format == .wide ? group.y + 17 : group.y - 17 * Double(group.name.count) + 12
      for (row, line) in group.name.enumerated() { text(line, 0, nameTop + 17 * Double(row), "label halo") }
      for (row, member) in group.members.enumerated() {
        draw(member.interval, at: group.y + 13 + pitch * Double(row), in: frame)
        if format == .wide {
          text(member.text, width, group.y + 17 + pitch * Double(row), "tick \(member.interval.side.style)", .end)
        }
      }
    }
    height = frame.bottom + Frame.footer
    if intervals.contains(where: { $0.value == nil }) { note("× diverged: no finite value.") }
  }

  private mutating func draw(_ interval: Interval, at y: Double, in frame: Frame) {
    let style = interval.side.style
    guard let value = interval.value, let x = frame.x(value) else { return cross(frame.left + 5, y, style) }
    clipped(frame.left, y - 8, frame.width, 16) { canvas in
      if let low = interval.low, let high = interval.high {
        let (from, to) = (frame.x(low) ?? frame.left, frame.x(high) ?? frame.right)
        canvas.line(from, y, to, y, "line \(style)")
        for end in [from, to] { canvas.line(end, y - 4, end, y + 4, "whisker \(style)") }
      }
      canvas.dot(x, y, radius: 4.5, "dot \(style)")
    }
  }

  /// "97.4 (97.1 to 97.7)".
  private static func numbers(_ interval: Interval) -> String {
    guard let value = interval.value else { return "diverged" }
    guard let low = interval.low, let high = interval.high else { return NumberText.page.significant(value) }
    let text = NumberText.page.estimate(value, low, high)
    return "\(text.value) (\(text.low) to \(text.high))"
  }
}
