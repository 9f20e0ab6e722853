/// A pair of axes on a canvas.
struct Frame {
  let left, top, width, height: Double
  let x, y: Scale
  let xTicks, yTicks: Ticks

  var right: Double { left + width }
  var bottom: Double { top + height }

  /// - Parameter places: What was measured along x: ticks stand there if there is room, else at round numbers.
  init(
    left: Double, top: Double, width: Double, height: Double, x: (axis: Axis, domain: ClosedRange<Double>),
    y: (axis: Axis, domain: ClosedRange<Double>), places: [Double] = []
  ) {
    (self.left, self.top, self.width, self.height) = (left, top, width, height)
    self.x = Scale(x.axis.scale, domain: x.domain, from: left, to: left + width)
    self.y = Scale(y.axis.scale, domain: y.domain, from: top + height, to: top)
    let scale = self.x
    xTicks =
      Ticks(at: places) { scale($0) } ?? Ticks(x.domain, scale: x.axis.scale, count: Int(width / 75))
    yTicks = Self.verticalTicks(y.axis, y.domain)
  }

  static func verticalTicks(_ axis: Axis, _ domain: ClosedRange<Double>) -> Ticks {
    Ticks(domain, scale: axis.scale, count: 5)
  }

  /// The room that the labels of a vertical axis need.
  static func margin(_ axis: Axis, _ domain: ClosedRange<Double>) -> Double {
    10 + (verticalTicks(axis, domain).labels.map { textWidth($0, size: 12) }.max() ?? 0)
  }

  /// The room below a frame for tick labels and the axis's title.
  static let footer = 46.0
  /// The room above a frame for the vertical axis's title.
  static let header = 30.0
}

extension Canvas {
  /// Grid, tick labels and titles.
  mutating func axes(_ frame: Frame, x: Axis, y: Axis, hasGrid: Bool = true, hasYTitle: Bool = true) {
    for (value, label) in zip(frame.yTicks.values, frame.yTicks.labels) {
      guard let at = frame.y(value) else { continue }
      if hasGrid { line(frame.left, at, frame.right, at, "grid") }
      text(label, frame.left - 8, at + 4, "tick", .end)
    }
    for (value, label) in zip(frame.xTicks.values, frame.xTicks.labels) {
      guard let at = frame.x(value) else { continue }
      if hasGrid { line(at, frame.top, at, frame.bottom, "grid") }
      xTick(label, at, frame.bottom)
    }
    line(frame.left, frame.bottom, frame.right, frame.bottom, "axis")
    xTitle(x, left: frame.left, right: frame.right, y: frame.bottom + 37)
    if hasYTitle { yTitle(y, y: frame.top - 16) }
  }

  /// A tick below an axis that lies at `y`, with its label within the picture.
  mutating func xTick(_ label: String, _ x: Double, _ y: Double) {
    line(x, y, x, y + 4, "axis")
    let half = textWidth(label, size: 12) / 2
    text(label, max(half, min(x, width - half)), y + 18, "tick", .middle)
  }

  /// Centered below the axis, within the picture.
  mutating func xTitle(_ axis: Axis, left: Double, right: Double, y: Double) {
    let half = textWidth(axis.label) / 2
    let middle = max(half, min((left + right) / 2, width - half))
    text(axis.label, middle, y, "axis-title x-title", .middle)
  }

  /// Above the axis, from the picture's left edge: it can be read without turning the head.
  mutating func yTitle(_ axis: Axis, y: Double) {
    if !axis.title.isEmpty { text(axis.label, 0, y, "axis-title y-title") }
  }

  /// The dotted lines of targets, with their labels.
  mutating func references(_ references: [Figure.Reference], in frame: Frame) {
    for reference in references {
      switch reference.direction {
      case .y:
        guard let at = frame.y(reference.value), at >= frame.top - 1, at <= frame.bottom + 1 else { continue }
        line(frame.left, at, frame.right, at, "reference")
        text(reference.label, frame.left + 6, at - 5, "reference-label halo")
      case .x:
        guard let at = frame.x(reference.value), at >= frame.left - 1, at <= frame.right + 1 else { continue }
        line(at, frame.top, at, frame.bottom, "reference")
        let isLeft = at > (frame.left + frame.right) / 2
        text(
          reference.label, at + (isLeft ? -5 : 5), frame.top + 12, "reference-label halo", isLeft ? .end : .start)
      }
    }
  }

  /// Panels beside each other on a desktop, below each other on a phone.
  /// - Returns: For each its row, left edge and width.
  func panels(_ count: Int, left: Double, gap: Double) -> [(row: Int, left: Double, width: Double)] {
    let columns = format == .narrow ? 1 : count == 4 ? 2 : min(count, 3)
    let width = (self.width - left - gap * Double(columns - 1) - 8) / Double(columns)
    return (0..<count).map { (row: $0 / columns, left: left + Double($0 % columns) * (width + gap), width: width) }
  }
}
