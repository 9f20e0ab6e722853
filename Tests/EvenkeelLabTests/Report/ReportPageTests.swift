import EvenkeelLab
import Foundation
import Testing

@Suite(.enabled(if: Browser.path != nil, "Chromium is not installed; Scripts/setup test installs it"))
struct ReportPageTests {
  static let desktop = 1280
  static let phone = 390

  @Test(arguments: ["sample", "hard"])
  func aPageHasNoErrorAndNothingCutOffAtDesktopAndPhoneWidth(_ name: String) throws {
    let report = name == "hard" ? HardReport.report : SampleReport.report
    let (measures, console) = try Browser.measure(report.html(), widths: [Self.desktop, Self.phone])
    #expect(console == [])
    #expect(measures.map(\.width) == [Self.desktop, Self.phone])
    let figures = report.claims.flatMap(\.figures)
    for measure in measures {
      #expect(measure.faults == [], "at a width of \(measure.width)")
      #expect(measure.figures == figures.count)
      #expect(measure.drawings == figures.count { $0.title != HardReport.empty })
      #expect(measure.requests == [])
      #expect(measure.scripts == 0)
    }
  }

  @Test func theMeasuringFindsWhatIsWrong() throws {
    let page = SampleReport.report.html()
      .replacingOccurrences(of: "<main>", with: "<main><p style=\"width:2000px\">wide</p><script>nothing()</script>")
      .replacingOccurrences(of: "<h3>Steps to 95 % accuracy</h3>", with: "")
      .replacingOccurrences(of: "x-title", with: "no-title")
    let (measures, console) = try Browser.measure(page, widths: [Self.phone])
    let faults = try #require(measures.first).faults.joined(separator: "\n")
    for fault in ["scrolls sideways", "\"wide\" reaches beyond", "faster-figure-2 has no title", "has no .x-title"] {
      #expect(faults.contains(fault))
    }
    #expect(console.contains { $0.contains("nothing is not defined") })
  }
}
