/// A picture under construction: SVG elements in a coordinate system whose unit is a pixel of the page.
///
/// Colors, line styles and fonts are classes of `Stylesheet`; this type only positions things.
struct Canvas {
  /// How much room the page gives: a desktop's or a sheet's column, or a phone's.
  enum Format: String, CaseIterable {
    case wide, narrow
    var width: Double { self == .wide ? 720 : 360 }
  }

  let format: Format
  var width: Double { format.width }
  /// Grows as things are drawn.
  var height = 0.0
  private(set) var markup = Markup()

  init(_ format: Format) { self.format = format }

  mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) {
    markup.element(
      "line", ["class": style, "x1": px(x1), "y1": px(y1), "x2": px(x2), "y2": px(y2)])
  }

  mutating func rectangle(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ style: String) {
    markup.element(
      "rect", ["class": style, "x": px(x), "y": px(y), "width": px(width), "height": px(height)])
  }

  /// A cell in its own color, without seams to its neighbors.
  mutating func rectangle(_ x: Double, _ y: Double, _ width: Double, _ height: Double, fill: String) {
    markup.element(
      "rect", ["class": "cell", "fill": fill, "x": px(x), "y": px(y), "width": px(width), "height": px(height)])
  }

  mutating func dot(_ x: Double, _ y: Double, radius: Double = 3.5, _ style: String) {
    markup.element("circle", ["class": style, "cx": px(x), "cy": px(y), "r": px(radius)])
  }

  /// The sign of a diverged trial.
  mutating func cross(_ x: Double, _ y: Double, _ style: String) {
    let r = 3.5
    path(
      "M\(px(x - r)) \(px(y - r))L\(px(x + r)) \(px(y + r))M\(px(x - r)) \(px(y + r))L\(px(x + r)) \(px(y - r))",
      "cross " + style)
  }

  mutating func path(_ data: String, _ style: String) {
    if !data.isEmpty { markup.element("path", ["class": style, "d": data]) }
  }

  enum Anchor: String { case start, middle, end }

  mutating func text(_ content: String, _ x: Double, _ y: Double, _ style: String, _ anchor: Anchor = .start) {
    guard !content.isEmpty else { return }
    if anchor == .start {
      markup.element("text", ["class": style, "x": px(x), "y": px(y)], content)
    } else {
      markup.element("text", ["class": style, "x": px(x), "y": px(y), "text-anchor": anchor.rawValue], content)
    }
  }

  /// Clips what `body` draws to the rectangle plus the width of a dot.
  mutating func clipped(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ body: (inout Canvas) -> Void
  ) {
    let room = 5.0
    var inner = Canvas(format)
    body(&inner)
    let (x, y, width, height) = (px(x - room), px(y - room), px(width + 2 * room), px(height + 2 * room))
    let drawn = inner.markup.text
    markup.element(
      "svg",
      ["x": x, "y": y, "width": width, "height": height, "viewBox": "\(x) \(y) \(width) \(height)"]
    ) { $0.append(markup: drawn) }
  }

  /// Names of sides with a piece of their line, in as many rows as they need; nothing for one that needs no name.
  mutating func legend(_ entries: [(name: String, side: Side)], left: Double, isMarked: Bool) {
    let entries = entries.filter { !$0.name.isEmpty }
    guard !entries.isEmpty else { return }
    var x = left
    for (name, side) in entries {
      let needed = 34 + textWidth(name, isBold: true) + 18
      if x > left, x + needed > width {
        x = left
        height += 18
      }
      line(x, height + 9, x + 26, height + 9, "line \(side.style)")
      if isMarked { dot(x + 13, height + 9, "dot \(side.style)") }
      for text in wrapped(name, width: (width - x - 34) / 1.13) {
        self.text(text, x + 34, height + 13, "label \(side.style)")
        height += 18
      }
      height -= 18
      x += needed
    }
    height += 26
  }

  /// Small print below everything.
  mutating func note(_ content: String) {
    for line in wrapped(content, width: width - 8, size: 12) {
      height += 16
      text(line, 4, height - 3, "note")
    }
  }
}

/// A coordinate with one digit after the point; more would not be visible on any device.
func px(_ value: Double) -> String {
  guard value.isFinite else { return "0" }
  let tenths = Int((min(max(value, -1e5), 1e5) * 10).rounded())
  let sign = tenths < 0 ? "-" : ""
  let (whole, rest) = (abs(tenths) / 10, abs(tenths) % 10)
  return rest == 0 ? "\(sign)\(whole)" : "\(sign)\(whole).\(rest)"
}

/// About how wide a text is: a little more than in the widest of the fonts that pages are commonly read in.
func textWidth(_ text: String, size: Double = 13, isBold: Bool = false) -> Double {
  text.unicodeScalars.reduce(0) { width, scalar in
    switch scalar.value {
    case 0x0300..<0x0370: width
    case 0x1100...: width + (scalar.value < 0x2E80 ? 0.65 : 1)
    default: width + ("iljtfr.,:;|'!()[] I".unicodeScalars.contains(scalar) ? 0.4 : 0.64)
    }
  } * size * (isBold ? 1.13 : 1)
}

/// `text` in lines of at most `width`, broken between words, or where a word is longer than a line within it.
func wrapped(_ text: String, width: Double, size: Double = 13) -> [String] {
  var lines: [String] = []
  var line = ""
  for word in text.split(whereSeparator: \.isWhitespace) {
    var word = String(word)
    if !line.isEmpty, textWidth(line + " " + word, size: size) <= width {
      line += " " + word
      continue
    }
    if !line.isEmpty { lines.append(line) }
    while textWidth(word, size: size) > width, word.count > 1 {
      let fitting = max(1, Int(width / (0.66 * size)))
      lines.append(String(word.prefix(fitting)))
      word = String(word.dropFirst(fitting))
    }
    line = word
  }
  if !line.isEmpty || lines.isEmpty { lines.append(line) }
  return lines
}

extension Side {
  /// The class that sets its color and line style.
  var style: String {
    switch self {
    case .with: "with"
    case .without: "without"
    case .other(let index): "other\(((index % 5) + 5) % 5)"
    }
  }
}
