import Evenkeel
import EvenkeelLab
import Foundation
import FoundationXML
import Testing

@Suite struct ReportTextTests {
  private static let attack = "</text></svg><script>alert('1')</script>\" onload=\"x()\" & ]]> \u{0}\u{1B}\u{FFFE}"

  /// Every text of a report that a user's file names could be in.
  private static let hostile: Report = {
    let surface = Surface(
      attack, side: .with, note: attack, columns: [1, 2], rows: [1, 2], values: [[1, 2], [3, .nan]])
    let axis = Axis(attack, unit: attack)
    let curve = Curve(attack, side: .with, x: [1, 2], seeds: [[1, .nan]])
    let plots: [Figure.Plot] = [
      .curves([curve]), .ribbons([curve]), .heatMaps([surface], value: axis), .contours([surface], value: axis),
      .intervals([Interval(attack, name: attack, side: .without, value: 1)]), .curves([]),
    ]
    let figures = plots.map {
      Figure(attack, caption: attack, x: axis, y: axis, plot: $0, references: [.y(1.2, attack), .x(1.5, attack)])
    }
    let claim = ClaimReport(
      name: attack, title: attack, question: attack, setup: [attack], figures: figures,
      tables: [
        NumberTable(attack, columns: [attack], rows: [[.text(attack)]]), NumberTable(attack, columns: [], rows: []),
      ],
      verdict: .undecided, effect: Effect(attack, value: 1, low: 0, high: 2), rule: attack, command: attack, seeds: 1,
      trials: 1, notes: [attack])
    return Report(title: attack, date: attack, data: attack, machine: attack, version: attack, claims: [claim])
  }()

  @Test func noTextComesOutAsMarkup() {
    let page = Self.hostile.html()
    #expect(!page.contains("<script"))
    #expect(!page.contains("onload=\""))
    #expect(!page.unicodeScalars.contains { $0.value < 32 && $0 != "\n" || $0.value == 0xFFFE })
    #expect(Markup.escaped("a<b> & \"c\" 'd'") == "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;")
  }

  @Test func svgFilesAreWellFormedXML() {
    let figures = [Self.hostile, SampleReport.report, HardReport.report].flatMap { $0.claims.flatMap(\.figures) }
    for figure in figures {
      let parser = XMLParser(data: Data(figure.svg().utf8))
      #expect(parser.parse(), "\(figure.title): \(String(describing: parser.parserError))")
    }
  }

  @Test func thePageNeedsNothingBesideIt() {
    let page = SampleReport.report.html()
    for needle in ["<script", "http://", "https://", "@import", "url(", "src="] {
      #expect(!page.contains(needle), "\(needle)")
    }
  }

  @Test func idsAreUniqueAndLinksLeadSomewhere() {
    for report in [SampleReport.report, HardReport.report] {
      let page = report.html()
      let values = { (attribute: String) in
        page.components(separatedBy: " \(attribute)=\"").dropFirst().map { String($0.prefix { $0 != "\"" }) }
      }
      let ids = values("id")
      #expect(Set(ids).count == ids.count)
      let links = values("href").filter { $0.hasPrefix("#") }
      #expect(links.count == report.claims.count)
      #expect(links.allSatisfy { ids.contains(String($0.dropFirst())) })
    }
  }

  @Test func aReportThatWasStoredIsTheSamePage() throws {
    for report in [SampleReport.report, HardReport.report] {
      let stored = try JSONDecoder().decode(Report.self, from: JSONEncoder().encode(report))
      #expect(stored == report)
      #expect(stored.html() == report.html())
    }
  }

  @Test func verdictsAreToldInWordsWithTheirEffect() {
    let page = SampleReport.report.html()
    #expect(page.contains("<b>5.7</b> times fewer steps to 95 %"))
    #expect(page.contains("95 % interval 4.8 to 6.7"))
    for (count, verdict) in [(4, "supported"), (1, "not supported"), (2, "undecided")] {
      #expect(page.contains("<b>\(count)</b> \(verdict)"))
    }
    #expect(page.contains("5 seeds, 84 trials, of which 3 diverged."))
  }

  @Test func alternativeTextSaysWhatIsDrawn() {
    let svg = SampleReport.steps.svg()
    #expect(svg.contains("Horizontally: Training steps, logarithmic. Vertically: Network."))
    #expect(svg.contains("784-256-256-10, ReLU, batch norm: 812, interval 744 to 903."))
    #expect(svg.contains("784-256-256-10, ReLU, no normalization: diverged."))
    var figure = SampleReport.steps
    figure.alternative = "In other words."
    #expect(figure.svg().contains("<desc id=\"description\">In other words.</desc>"))
  }

  @Test func aPageIsWrittenWholeOrNotAtAll() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("evenkeel-report-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("report.html").path
    try SampleReport.report.write(to: path)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == SampleReport.report.html())
    let error = #expect(throws: EvenkeelError.self) { try SampleReport.report.write(to: path + "/report.html") }
    #expect(error?.code == .cannotWrite)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["report.html"])
  }
}
