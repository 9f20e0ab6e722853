import Evenkeel
import EvenkeelLab
import Foundation
import FoundationXML
import Testing

private let attack = "</text></svg><script>alert('1')</script>\" onload=\"x()\" & ]]>"
private let long = "Aclasswithaverylongnamethatgoesonandonwithoutanyspaceinitatall"

private let pages: [(name: String, make: @Sendable () throws -> ModelReport)] = [
  ("three classes", { try TrainedModels.classifier(["setosa", "versicolor", "virginica"]) }),
  ("many classes with long names", { try TrainedModels.classifier((0..<25).map { "\(long) \($0)" }, epochs: 30) }),
  ("forty classes", { try TrainedModels.classifier((0..<40).map { "class \($0)" }, epochs: 1) }),
  ("a regression", { try TrainedModels.regression() }),
  (
    "interrupted at once",
    {
      var report = TrainedModels.opening(attack)
      report.addTraining(History(), epochs: 5, metric: nil, keepsBest: true)
      report.addNorms(of: try Model(Network(input: [2]) { Dense(1) }), on: nil, seed: 0)
      return report
    }
  ),
]

@Suite struct ModelReportTests {
  @Test(.enabled(if: Browser.path != nil, "Chromium is not installed; Scripts/setup test installs it"))
  func noPageHasAnErrorOrAnythingCutOffAtDesktopAndPhoneWidth() throws {
    for (name, make) in pages {
      let report = try make()
      let (measures, console) = try Browser.measure(report.html(), widths: [1280, 360])
      #expect(console == [], "\(name)")
      #expect(measures.map(\.width) == [1280, 360])
      for measure in measures {
        #expect(measure.faults == [], "\(name) at a width of \(measure.width)")
        #expect(measure.figures == report.sections.flatMap(\.figures).count)
        #expect(measure.drawings == measure.figures)
        #expect(measure.requests == [] && measure.scripts == 0)
      }
    }
  }

  @Test func aClassifiersPageHasEverySection() throws {
    let report = try TrainedModels.classifier(["setosa", "versicolor", "virginica"])
    #expect(report.sections.map(\.id) == ["data", "training", "results", "importance", "norms"])
    #expect(report.result?.value.hasSuffix(" %") == true && report.result?.isBetterThanGuessing == true)
    #expect(report.result?.note.hasPrefix("Always “") == true)
    let figures = report.sections.flatMap(\.figures)
    #expect(
      figures.map(\.title) == ["Loss", "Accuracy", "Confusion matrix", "Reliability", "What each column is worth"])
    let confusion = try #require(figures.first { $0.title == "Confusion matrix" })
    // The first class is the first column and the uppermost row.
    #expect(confusion.x.categories == ["setosa", "versicolor", "virginica"])
    #expect(confusion.y.categories == ["virginica", "versicolor", "setosa"])
    guard case .heatMaps(let surfaces, _, _) = confusion.plot else { return #expect(Bool(false)) }
    for (row, cells) in surfaces[0].cells.enumerated() {
      let shares: [Double] = cells.map { if case .value(let value) = $0 { value } else { .nan } }
      let sum: Double = shares.reduce(0, +)
      #expect(abs(sum - 100) < 1e-9)
      #expect(shares[2 - row] == shares.max())
    }
    let page = report.html()
    for text in [
      "6 of 7 epochs in", "has the best validation loss", "best: epoch", "evenkeel train a.csv --report page.html",
      "Always “setosa”: ", "Expected calibration error", "Batch norms", "Metrics", "balanced accuracy",
    ] {
      #expect(page.contains(text), "\(text)")
    }
  }

  @Test func aRegressionsPageShowsErrorsOfEachTargetInItsUnit() throws {
    let report = try TrainedModels.regression()
    let titles = report.sections.flatMap(\.figures).map(\.title)
    #expect(titles.contains("Predicted and true: price") && titles.contains("Errors: a rather long name of a target"))
    let table = try #require(report.sections.flatMap(\.tables).first { $0.title == "Quantiles of predicted − true" })
    #expect(table.columns == ["Target", "5 %", "25 %", "Median", "75 %", "95 %"] && table.rows.count == 2)
    for row in table.rows {
      let numbers: [Double] = row.dropFirst().map { if case .number(let value?) = $0 { value } else { .nan } }
      #expect(numbers == numbers.sorted())
      #expect(numbers[0] < 0 && numbers[4] > 0)
    }
    let errors = try #require(report.sections.flatMap(\.figures).first { $0.title == "Errors: price" })
    guard case .curves(let curves) = errors.plot else { return #expect(Bool(false)) }
    // Each range has a point at either end; the shares of all ranges are all examples.
    let shares: [Double] = stride(from: 0, to: curves[0].points.count, by: 2).map { curves[0].points[$0].median! }
    let sum: Double = shares.reduce(0, +)
    #expect(abs(sum - 100) < 1e-9)
    guard case .dots(let dots) = report.sections[2].figures[0].plot else { return #expect(Bool(false)) }
    #expect(dots.places.count == 750 && dots.hasDiagonal)
    #expect(report.html().contains("750 of 1500 examples, evenly spaced"))
  }

  @Test func theBestEpochIsTheFirstOfTheBestByTheMetricOrTheLoss() throws {
    let records = [(3.0, 0.5), (1, 0.7), (2, 0.9), (1, 0.9)].enumerated().map { index, values in
      #"{"epoch":\#(index + 1),"trainLoss":1,"validationLoss":\#(values.0),"validationMetric":\#(values.1),"seconds":1}"#
    }
    let history = try JSONDecoder().decode(
      History.self, from: Data(#"{"epochs":[\#(records.joined(separator: ","))],"stoppedEarly":false}"#.utf8))
    #expect(history.bestEpoch(by: nil) == 2)
    #expect(history.bestEpoch(by: .rocAUC) == 3)
    #expect(history.bestEpoch(by: .brier) == 1)
    #expect(History().bestEpoch(by: nil) == nil && History().figures(metric: nil).isEmpty)
    #expect(history.figures(metric: .rocAUC).map(\.title) == ["Loss", "ROC-AUC"])
  }

  @Test func noTextComesOutAsMarkupAndIdsAreUnique() throws {
    var report = try TrainedModels.classifier([attack, "b"], epochs: 1)
    report.title = attack
    report.command = attack
    let page = report.html()
    #expect(!page.contains("<script") && !page.contains("onload=\""))
    let ids = page.components(separatedBy: " id=\"").dropFirst().map { String($0.prefix { $0 != "\"" }) }
    #expect(Set(ids).count == ids.count)
    for figure in report.sections.flatMap(\.figures) {
      let parser = XMLParser(data: Data(figure.svg().utf8))
      #expect(parser.parse(), "\(figure.title): \(String(describing: parser.parserError))")
    }
  }

  @Test func theSameTrainingIsTheSamePage() throws {
    let page = try TrainedModels.classifier(["a", "b"], epochs: 2)
    let again = try TrainedModels.classifier(["a", "b"], epochs: 2)
    // But for the time that it took.
    #expect(page.sections.dropFirst(2) == again.sections.dropFirst(2) && page.result == again.result)
  }
}
