import Evenkeel
import EvenkeelLab
import Foundation
import Testing

@Suite struct ReportDrawingTests {
  @Test(arguments: [
    (0.0...100, ["0", "20", "40", "60", "80", "100"]), (-3...3, ["−2", "0", "2"]),
    (0...0.3, ["0.0", "0.1", "0.2", "0.3"]),
    (0...30_000, ["0", "10,000", "20,000", "30,000"]),
    (0.970_001...0.970_003, ["0.9700010", "0.9700015", "0.9700020", "0.9700025", "0.9700030"]),
    (0...5e-6, ["0", "10⁻⁶", "2·10⁻⁶", "3·10⁻⁶", "4·10⁻⁶", "5·10⁻⁶"]),
    (2e8...6e8, ["2·10⁸", "3·10⁸", "4·10⁸", "5·10⁸", "6·10⁸"]),
  ])
  func linearTicksAreRoundNumbersWithinTheAxis(_ domain: ClosedRange<Double>, _ labels: [String]) {
    #expect(Ticks(domain, scale: .linear, count: 5).labels == labels)
  }

  @Test(arguments: [
    (1e-4...10, ["10⁻⁴", "10⁻³", "10⁻²", "10⁻¹", "10⁰", "10¹"]),
    (0.01...1000, ["0.01", "0.1", "1", "10", "100", "1,000"]),
    (3...60, ["5", "10", "20", "50"]), (4.1...4.9, ["4.2", "4.4", "4.6", "4.8"]),
    (1e-12...1, ["10⁻¹²", "10⁻⁹", "10⁻⁶", "10⁻³", "10⁰"]),
  ])
  func logarithmicTicksArePowersOfTenWithMoreBetweenWhereTheyAreFew(_ domain: ClosedRange<Double>, _ labels: [String]) {
    #expect(Ticks(domain, scale: .logarithmic, count: 6).labels == labels)
  }

  @Test func ticksNeverLieOutsideTheAxisNorRepeatALabel() {
    for scale in [Axis.Scale.linear, .logarithmic] {
      for exponent in stride(from: -30.0, through: 30, by: 1.7) {
        for ratio in [1.01, 1.3, 2, 7, 40, 1e4, 1e12] {
          let low = pow(10, exponent)
          let ticks = Ticks(low...low * ratio, scale: scale, count: 5)
          #expect(ticks.values.count >= 2 && ticks.values.count <= 12, "\(scale) \(low) \(ratio)")
          // What rounding moves is far less than a pixel.
          let span = low * ratio - low
          #expect(ticks.values.allSatisfy { $0 >= low - 1e-6 * span && $0 <= low * ratio + 1e-6 * span })
          #expect(Set(ticks.labels).count == ticks.labels.count, "\(ticks.labels)")
        }
      }
    }
  }

  @Test func numbersHaveSensibleDigits() {
    #expect(NumberText.page.significant(0.012345) == "0.0123")
    #expect(NumberText.page.significant(-1234.56) == "−1,235")
    #expect(NumberText.page.significant(50_000) == "50,000")
    #expect(NumberText.page.significant(9.9996e-7) == "10⁻⁶")
    #expect(NumberText.page.significant(-2.5e12) == "−2.5·10¹²")
    #expect(NumberText.page.significant(.nan) == "diverged")
    #expect(NumberText.page.fixed(-0.001, decimals: 2) == "0.00")
    #expect(NumberText.page.estimate(5.6912, 4.832, 6.719) == ("5.7", "4.8", "6.7"))
    #expect(NumberText.page.estimate(0.97412, 0.97371, 0.97455) == ("0.97412", "0.97371", "0.97455"))
    #expect(NumberText.page.estimate(14_121.4, 12_899.6, 15_640) == ("14,121", "12,900", "15,640"))
  }

  @Test func plainNumbersAreWhatProgramsRead() {
    #expect(NumberText.plain.fixed(-12_345.678, decimals: 2) == "-12345.68")
    #expect(NumberText.plain.fixed(.nan, decimals: 2) == "nan")
    #expect(NumberText.plain.percent(0.9761, decimals: 1) == "97.6 %")
    #expect(NumberText.plain.significant(0.000_412_4, digits: 2) == "0.00041")
    #expect(NumberText.plain.short(0.5) == "0.5" && NumberText.plain.short(1_234.56) == "1235")
    #expect(NumberText.plain.short(-4e-5) == "-4e-5")
    #expect(NumberText.plain.inColumn(0.000_12, decimals: 3) == "1.2e-4")
    #expect(NumberText.plain.inColumn(0, decimals: 3) == "0.000")
    #expect(NumberText.plain.inColumn(123_456, decimals: 3) == "1.2e5")
  }

  /// 3x² + 0.5y² − xy on a fine grid: each point of a line at c satisfies the equation, up to the square of the grid's pitch.
  @Test func contoursOfAQuadraticAreItsEllipses() throws {
    let places = (-40...40).map { Double($0) / 20 }
    let bowl = { (x: Double, y: Double) in 3 * x * x + 0.5 * y * y - x * y }
    let squares = MarchingSquares(columns: places, rows: places, values: places.map { y in places.map { bowl($0, y) } })
    for level in [0.05, 0.2, 0.7] {
      let lines = squares.lines(at: level)
      #expect(lines.count == 1)
      let ellipse = try #require(lines.first)
      #expect(ellipse.isClosed)
      #expect(ellipse.points.count >= 36)
      // A chord's error is at most f″ h² / 8.
      let most = 6 * 0.05 * 0.05 / 8 + 1e-12
      for point in ellipse.points { #expect(abs(bowl(point.x, point.y) - level) <= most) }
      // Its area is 2πc ∕ √det of the Hessian.
      #expect(abs(area(ellipse) - 2 * .pi * level / (6.0 - 1).squareRoot()) < 0.02)
      #expect(squares.area(below: level).map(area).reduce(0, +) == area(ellipse))
    }
  }

  @Test func contoursThatLeaveTheGridAreOpenAndTheirAreaIsClosedAlongItsRim() {
    // The value is x, so the area left of x = 1.5 is half of the square.
    let places = [0.0, 1, 2, 3]
    let squares = MarchingSquares(columns: places, rows: places, values: places.map { _ in places })
    let lines = squares.lines(at: 1.5)
    #expect(lines.count == 1 && lines[0].isClosed == false)
    #expect(lines[0].points.allSatisfy { $0.x == 1.5 } && lines[0].points.count == 4)
    let areas = squares.area(below: 1.5)
    #expect(areas.count == 1 && areas[0].isClosed)
    #expect(area(areas[0]) == 4.5)
  }

  @Test func aSaddleIsDecidedByItsMiddleAndAHoleHasNoLines() {
    let squares = MarchingSquares(columns: [0, 1], rows: [0, 1], values: [[0, 1], [1, 0.2]])
    // The middle is 0.55: below 0.6 the low corners are connected, at 0.5 they are not.
    let connected = squares.lines(at: 0.6)
    #expect(connected.count == 2)
    #expect(
      connected.contains { line in
        line.points.allSatisfy { $0.x >= 0.6 - 1e-9 || $0.y < 1e-9 } && line.points.allSatisfy { $0.y <= 0.5 }
      })
    let apart = squares.lines(at: 0.5)
    #expect(apart.contains { line in line.points.allSatisfy { $0.x <= 0.5 && $0.y <= 0.5 } })
    let hole = MarchingSquares(columns: [0, 1, 2], rows: [0, 1], values: [[0, 1, .nan], [0, 1, 2]])
    #expect(hole.lines(at: 0.5).count == 1)
    #expect(hole.lines(at: 1.5).isEmpty)
  }

  @Test func bandsSpanTheSeedsAndDivergedSeedsAreCountedNotDrawn() {
    let curve = Curve(
      "a", side: .with, x: [0, 1, 2, 3], seeds: [[1, 2, 3, .nan], [3, .infinity, .nan, .nan], [2, 4, .nan]])
    #expect(curve.points[0] == Curve.Point(0, 2, low: 1, high: 3, diverged: 0))
    #expect(curve.points[1] == Curve.Point(1, 3, low: 2, high: 4, diverged: 1))
    #expect(curve.points[2] == Curve.Point(2, nil, diverged: 2))
    #expect(curve.points[3] == Curve.Point(3, nil, diverged: 2))
  }

  @Test func divergedTrialsAreGapsAndAreNamed() {
    let figure = { (values: [Double]) in
      Figure(
        "t", caption: "c", x: Axis("x"), y: Axis("y"),
        plot: .curves([Curve("none", side: .without, x: [0, 1, 2, 3, 4], seeds: [values])]))
    }
    let whole = figure([1, 2, 3, 4, 5]).svg()
    let broken = figure([1, 2, .nan, 4, 5]).svg()
    let moves = { (svg: String) in paths(svg, style: "line without").joined().filter { $0 == "M" }.count }
    #expect(moves(whole) == 1 && moves(broken) == 2)
    #expect(paths(whole, style: "cross without").isEmpty && paths(broken, style: "cross without").count == 1)
    #expect(broken.contains("× diverged, no finite value: “none” at 1 of 5 places."))
    #expect(!whole.contains("× diverged"))
  }

  @Test func emptyFiguresAreASentence() {
    let figure = { (plot: Figure.Plot) in Figure("t", caption: "c", x: Axis("x"), y: Axis("y"), plot: plot) }
    let nothing: [Figure.Plot] = [
      .curves([]), .ribbons([]), .heatMaps([], value: Axis("v")), .contours([], value: Axis("v")), .intervals([]),
      .heatMaps([Surface("a", side: .with, columns: [], rows: [], values: [])], value: Axis("v")),
    ]
    for plot in nothing { #expect(figure(plot).svg().contains("Nothing to draw yet: no trial has given a value.")) }
    let diverged: [Figure.Plot] = [
      .curves([Curve("a", side: .with, x: [0], seeds: [[.nan]])]),
      .heatMaps([Surface("a", side: .with, columns: [1], rows: [1], values: [[.infinity]])], value: Axis("v")),
      .intervals([Interval("a", name: "b", side: .with, value: .nan)]),
    ]
    for plot in diverged { #expect(figure(plot).svg().contains("every trial diverged")) }
  }

  @Test func heatMapsOutlineWhatReachesTheThreshold() {
    let surface = Surface(
      "a", side: .with, columns: [1, 2, 3], rows: [1, 2], values: [[96, 95, .nan], [94.9, nil, 99]])
    let figure = Figure(
      "t", caption: "c", x: Axis("x"), y: Axis("y"), plot: .heatMaps([surface], value: Axis("v"), threshold: 95))
    let svg = figure.svg()
    // Two cells side by side have a border of six edges, one alone of four.
    #expect(paths(svg, style: "outline").joined().filter { $0 == "M" }.count == 10)
    #expect(svg.contains("3 of 5 places reach 95; 1 diverged."))
    #expect(svg.contains("not tried") && svg.contains("diverged: no finite value"))
  }

  @Test func heatMapColorsRiseEvenlyInLightness() {
    let luminance = (0...50).map { step in
      let hex = UInt32(ColorRamp.color(Double(step) / 50).dropFirst(), radix: 16)!
      let weights = [(16, 0.2126), (8, 0.7152), (0, 0.0722)]
      return weights.map { pow(Double(hex >> UInt32($0.0) & 255) / 255, 2.2) * $0.1 }.reduce(0, +)
    }
    for (dark, light) in zip(luminance, luminance.dropFirst()) { #expect(light > dark) }
  }

  private func area(_ line: MarchingSquares.Line) -> Double {
    let next = line.points.dropFirst() + line.points.prefix(1)
    return abs(zip(line.points, next).map { $0.x * $1.y - $1.x * $0.y }.reduce(0, +)) / 2
  }

  /// The data of all paths of a style.
  private func paths(_ svg: String, style: String) -> [String] {
    svg.components(separatedBy: "<path class=\"\(style)\" d=\"").dropFirst().map { String($0.prefix { $0 != "\"" }) }
  }
}
