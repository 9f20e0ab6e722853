import Evenkeel
import EvenkeelTestSupport
import Glibc
import Testing

private let quick = ["--hidden", "8", "--batch-size", "16", "--quiet"]

/// Hands `body` a table of two classes and a model that was trained on it.
private func withModel(_ words: [String] = [], _ body: (_ table: String, _ model: String) throws -> Void) throws {
  try withTemporaryPath(".csv", containing: smallTable) { table in
    try withTemporaryPath { model in
      defer { unlink(String(model.dropLast(12)) + ".checkpoint.safetensors") }
      let trained = try run(["train", table, "--epochs", "6", "--output", model] + quick + words)
      try #require(trained.code == 0, "\(trained.errors)")
      try body(table, model)
    }
  }
}

@Suite(.enabled(if: command != nil, "the command is not built"))
struct ResultCommandTests {
  @Test func evaluatePrintsMetricsClassesAndTheConfusionMatrix() throws {
    try withModel { table, path in
      let model = try Model(contentsOf: path)
      let expected = try model.evaluation(of: Dataset.readForUse(table, by: model, targets: true).dataset)
      let text = try run(["evaluate", path, table]).output
      let area = NumberText.plain.fixed(expected.value(of: .rocAUC)!, decimals: 4)
      #expect(text.contains("ROC-AUC \(area)") && text.contains("F1 of low"), "\(text)")
      let matrix = try #require(expected.classes?.confusion)
      let rows = text.split(separator: "\n").suffix(2).map { $0.split(separator: " ").map(String.init) }
      #expect(rows == zip(["high", "low"], matrix).map { [$0] + $1.map { "\(Int($0))" } }, "\(text)")
      let json = try run(["evaluate", path, table, "--json"]).output
      for metric in Metric.allCases where metric.isOfClasses {
        #expect(json.contains("\"\(metric.rawValue)\":\(expected.value(of: metric)!)"), "\(metric): \(json)")
      }
      #expect(json.contains("\"confusion\":\(matrix)".replacing(" ", with: "")), "\(json)")
      let all = try run(["evaluate", path, table, "--threshold", "0", "--json"]).output
      #expect(all.contains("\"name\":\"high\",\"precision\":0.0,\"recall\":0.0"), "\(all)")
      let refused = try run(["evaluate", path, table, "--threshold", "1.5"])
      #expect(refused.code == 64 && refused.errors.contains("from 0 to 1"), "\(refused.errors)")
    }
  }

  @Test func aMetricIsReportedAfterEveryEpochAndForTheTest() throws {
    try withTemporaryPath(".csv", containing: smallTable) { table in
      let words = ["train", table, "--epochs", "2", "--validation", "0.2", "--json", "--members", "1"] + quick
      let result = try run(words + ["--metric", "roc-auc", "--class-weight", "high=2"])
      #expect(result.code == 0, "\(result.errors)")
      #expect(result.output.split(separator: "\n").count { $0.contains("\"validationMetric\":0.") } == 2)
      #expect(result.output.contains("\"testMetric\":0."), "\(result.output)")
      for (options, sentence) in [
        (["--metric", "rmse"], "does not fit a target of 2 classes; expected accuracy"),
        (["--class-weight", "none=2"], "--class-weight: there is no class \"none\"; expected high or low"),
        (["--class-weight", "high=1e300"], "--class-weight: rows of the class \"high\" would count 1e+300 each"),
        (["--class-weight", "high"], "expected balanced, or classes and factors"),
        (["--metric", "roc-auc", "--validation", "0"], "--metric needs --validation"),
      ] {
        let refused = try run(words + options)
        #expect(refused.code == 64 && refused.errors.contains(sentence), "\(refused.errors)")
      }
    }
  }

  @Test func aClassThatOnlyTheTestHasCountsAsWrong() throws {
    try withTemporaryPath(".csv", containing: "a,b,class\n1,1,high\n-1,-1,odd\n-2,-2,low\n-3,-1,odd\n") { test in
      try withModel(["--test", test]) { _, model in
        let result = try run(["evaluate", model, test, "--json"])
        #expect(result.code == 0 && result.output.contains("\"accuracy\":0.5,"), "\(result)")
        #expect(result.output.contains("{\"name\":\"odd\",\"precision\":0.0,\"recall\":0.0,\"f1\":0.0,\"weight\":2.0}"))
        #expect(result.errors.contains("1 class does not occur in the training data (\"odd\"): 2 of the examples"))
      }
    }
  }

  @Test func aSweepIsJudgedByTheMetricThatItIsGiven() throws {
    try withTemporaryPath(".csv", containing: smallTable) { table in
      try withTemporaryPath(".sqlite") { store in
        let words = [
          "sweep", table, "--trials", "2", "--steps", "20", "--hidden", "4", "--learning-rate", "0.1", "--init-scale",
          "1", "--store", store, "--quiet", "--normalization", "batch",
        ]
        let (plain, other) = (try run(words), try run(words + ["--metric", "roc-auc"]))
        #expect(plain.code == 0 && other.code == 0, "\(plain.errors)\(other.errors)")
        #expect(other.output.contains("best roc-auc of all"), "\(other.output)")
        // Trials by another metric are others.
        let runs = try run(["runs", "list", "--store", store]).output.split(separator: "\n").filter {
          $0.contains("seed")
        }
        #expect(runs.count == 2 && runs.count { $0.contains("by roc-auc") } == 1, "\(runs)")
        let refused = try run(words + ["--metric", "log-loss"])
        #expect(refused.code == 64 && refused.errors.contains("does not compare by log-loss"), "\(refused.errors)")
      }
    }
  }
}
