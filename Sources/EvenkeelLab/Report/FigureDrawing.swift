extension Figure {
  /// Which colors a picture in a file of its own has.
  package enum Colors: CaseIterable, Sendable {
    /// Those of the reader's system: for a README.
    case system
    /// Those for light pages.
    case light
    /// Those for dark pages.
    case dark
  }

  /// Just the picture, as an SVG file.
  package func svg(_ colors: Colors = .system) -> String {
    var canvas =
      canvas(.wide)
      ?? {
        var canvas = Canvas(.wide)
        canvas.note(absence)
        return canvas
      }()
    canvas.height += 4
    // A margin of its own, as nothing else gives it one.
    let margin = 16.0
    let size = (width: px(canvas.width + 2 * margin), height: px(canvas.height + 2 * margin))
    var markup = Markup()
    markup.element(
      "svg",
      [
        "xmlns": "http://www.w3.org/2000/svg", "width": size.width, "height": size.height,
        "viewBox": "\(px(-margin)) \(px(-margin)) \(size.width) \(size.height)", "role": "img",
        "aria-labelledby": "title description",
      ]
    ) { markup in
      markup.element("title", ["id": "title"], title)
      markup.element("desc", ["id": "description"], description)
      markup.element("style") { $0.append(markup: Stylesheet.standalone(colors)) }
      markup.element(
        "rect",
        ["class": "page", "x": px(-margin), "y": px(-margin), "width": size.width, "height": size.height, "rx": "8"])
      markup.append(markup: canvas.markup.text)
    }
    return markup.text + "\n"
  }

  /// The picture within a page: one drawing for wide columns and paper, one for phones, of which the page shows one.
  /// - Parameter id: Begins the ids of its titles; unique in the page.
  func write(to markup: inout Markup, id: String) {
    markup.element("figure", ["id": id]) { markup in
      markup.element("h3", [:], title)
      for format in Canvas.Format.allCases {
        guard let canvas = canvas(format) else { continue }
        let name = "\(id)-\(format.rawValue)"
        markup.element(
          "svg",
          [
            "class": format.rawValue, "viewBox": "0 0 \(px(canvas.width)) \(px(canvas.height + 4))", "role": "img",
            "aria-labelledby": "\(name)-title \(name)-description",
          ]
        ) { markup in
          markup.element("title", ["id": "\(name)-title"], title)
          markup.element("desc", ["id": "\(name)-description"], description)
          markup.append(markup: canvas.markup.text)
        }
      }
      if isEmpty { markup.element("p", ["class": "absence"], absence) }
      markup.element("figcaption", [:], caption)
    }
  }

  /// Whether there is nothing to draw.
  var isEmpty: Bool { canvas(.wide) == nil }

  /// The drawing; `nil` if there is no value that has a place on the axes.
  func canvas(_ format: Canvas.Format) -> Canvas? {
    var canvas = Canvas(format)
    switch plot {
    case .curves(let curves):
      guard let domains = domains(of: curves, across: curves.contains(where: \.isMarked) ? .loose : .tight)
      else { return nil }
      canvas.draw(curves, of: self, domains)
    case .ribbons(let curves):
      guard let domains = domains(of: curves, across: .tight) else { return nil }
      canvas.drawRibbons(curves, of: self, domains)
    case .heatMaps(let surfaces, let value, let threshold):
      guard let domain = value.domain(of: surfaces.flatMap(\.values), .tight) else { return nil }
      canvas.drawHeatMaps(surfaces, of: self, value: value, domain: domain, threshold: threshold)
    case .contours(let surfaces, let value):
      guard surfaces.contains(where: { !$0.values.isEmpty && $0.columns.count > 1 && $0.rows.count > 1 })
      else { return nil }
      canvas.drawContours(surfaces, of: self, value: value)
    case .intervals(let intervals):
      let values = intervals.flatMap { [$0.value, $0.low, $0.high] }.compactMap { $0 }
      guard intervals.contains(where: { $0.value != nil }),
        let domain = x.domain(of: values + references(.x), .loose)
      else { return nil }
      canvas.drawIntervals(intervals, of: self, domain: domain)
    case .dots(let dots):
      guard let domains = domains(of: dots) else { return nil }
      canvas.draw(dots, of: self, domains)
    }
    return canvas
  }

  /// Why there is no drawing.
  var absence: String {
    let hasDiverged =
      switch plot {
      case .curves(let curves), .ribbons(let curves): curves.contains { $0.points.contains { $0.diverged > 0 } }
      case .heatMaps(let surfaces, _, _), .contours(let surfaces, _):
        surfaces.contains { $0.cells.joined().contains(.diverged) }
      case .intervals(let intervals): !intervals.isEmpty
      case .dots: false
      }
    return hasDiverged
      ? "Nothing to draw: every trial diverged, so there is no finite value."
      : "Nothing to draw yet: no trial has given a value."
  }

  private func domains(
    of curves: [Curve], across fit: Axis.Fit
  ) -> (x: ClosedRange<Double>, y: ClosedRange<Double>)? {
    let points = curves.flatMap(\.points)
    // What diverged keeps its place along x, so that a gap at the end is seen.
    guard points.contains(where: { $0.median.map { y.scale == .linear || $0 > 0 } ?? false }),
      let across = x.domain(of: points.map(\.x) + references(.x), fit),
      let up = y.domain(of: points.flatMap { [$0.median, $0.low, $0.high] }.compactMap { $0 } + references(.y), .ticks)
    else { return nil }
    return (across, up)
  }

  private func references(_ direction: Reference.Direction) -> [Double] {
    references.filter { $0.direction == direction }.map(\.value)
  }
}

extension Surface {
  /// The finite values.
  var values: [Double] { cells.joined().compactMap { if case .value(let value) = $0 { value } else { nil } } }
}
