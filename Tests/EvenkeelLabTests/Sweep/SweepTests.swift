import Evenkeel
import EvenkeelLab
import Testing

@Suite struct SweepTests {
  private let network = Network(input: [2]) {
    Dense(8)
    BatchNorm()
    ReLU()
    Dense(2)
  }

  @Test func rangesAreReadAndWrongOnesNamed() throws {
    #expect(try LogarithmicRange("1e-4..10", name: "x") == LogarithmicRange(1e-4, 10))
    #expect(try LogarithmicRange("0.5", name: "x") == LogarithmicRange(0.5, 0.5))
    #expect(LogarithmicRange(0.01, 100).grid(5) == [0.01, 0.1, 1, 10, 100])
    for text in ["", "1..0.1", "0..1", "a..b", "-1", "1...2..3"] {
      #expect { _ = try LogarithmicRange(text, name: "--x") } throws: { "\($0)".contains("--x") }
    }
  }

  /// Quasi-random places fill every cell of a grid with a quarter as many cells.
  @Test func placesFillTheRangesEvenly() {
    let sweep = Sweep(
      network: network, learningRate: LogarithmicRange(1e-4, 1), initialScale: LogarithmicRange(0.01, 1), trials: 128)
    let places = sweep.places
    #expect(places.count == 64)
    for row in 0..<4 {
      for column in 0..<4 {
        let rates = LogarithmicRange(1e-4, 1), scales = LogarithmicRange(0.01, 1)
        #expect(
          places.contains {
            $0.learningRate >= rates.value(at: Double(column) / 4)
              && $0.learningRate <= rates.value(at: Double(column + 1) / 4)
              && $0.initialScale >= scales.value(at: Double(row) / 4)
              && $0.initialScale <= scales.value(at: Double(row + 1) / 4)
          })
      }
    }
  }

  @Test func theBestAndTheShareThatWorksAreFound() throws {
    let data = try smallData()
    let sweep = Sweep(
      network: network, learningRate: LogarithmicRange(0.01, 1), initialScale: LogarithmicRange(1, 1), trials: 8,
      layout: .grid, batchSize: 20, steps: 5)
    var results: [Trial: TrialResult] = [:]
    for (side, scores) in [
      (Normalization.batch, [0.5, 0.9, 1, 0.96]), (.none, [0.5, 0.94, .nan, .nan]),
    ] {
      for (trial, score) in zip(try sweep.trials(of: side, on: data.description), scores) {
        results[trial] =
          score.isNaN
          ? TrialResult(curve: [], score: 0.5, divergedAt: 2) : TrialResult(curve: [], score: score)
      }
    }
    let sides = try SweepOutcome(sweep, on: data.description, results: results).sides
    #expect(sides[0].best?.score == 1 && sides[0].workingShare == 0.5 && sides[0].divergedShare == 0)
    #expect(sides[1].best?.score == 0.94 && sides[1].workingShare == 0 && sides[1].divergedShare == 0.5)
    #expect(sides[0].best?.place.learningRate == LogarithmicRange(0.01, 1).grid(4)[2])
  }

  /// 95 % of what guessing reaches is nothing that works.
  @Test(arguments: [0.5, nil] as [Double?])
  func whereNothingBeatsGuessingNothingWorks(score: Double?) throws {
    let data = try smallData()
    let sweep = Sweep(
      network: network, learningRate: LogarithmicRange(0.01, 1), initialScale: LogarithmicRange(1, 1), trials: 4,
      batchSize: 20, steps: 5)
    let result = TrialResult(curve: [], score: 0.5, divergedAt: score == nil ? 1 : nil)
    let trials = try sweep.normalizations.flatMap { try sweep.trials(of: $0, on: data.description) }
    let outcome = try SweepOutcome(
      sweep, on: data.description, results: Dictionary(uniqueKeysWithValues: trials.map { ($0, result) }))
    #expect(outcome.threshold == nil && outcome.sides.allSatisfy { $0.workingShare == 0 })
    let report = outcome.report(on: data.description, command: "")
    #expect(report.verdict == .undecided && report.effect == nil)
    #expect(report.notes.contains { $0.contains("better than guessing") })
  }

  /// The names mean what they mean to `train`: batch norm loses what other batch norms have besides.
  @Test func aSideIsTheNetworkWithThatNorm() throws {
    var sweep = Sweep(
      network: network, learningRate: LogarithmicRange(0.01, 1), initialScale: LogarithmicRange(1, 1), trials: 1)
    func trained(_ name: String) throws -> Network {
      try sweep.trials(of: Normalization(named: name), on: smallData().description)[0].network
    }
    for name in ["batch", "layer", "group", "group:2", "rms", "ghost:8", "renorm", "none"] {
      #expect(try trained(name) == network.normalized(by: Normalization(named: name)))
    }
    #expect(try trained("none") == network.withoutNormalization())
    sweep.network = try network.normalized(by: .ghost(size: 4))
    #expect(try trained("batch") == network)
    #expect(try trained("renorm") == network.normalized(by: .renorm))
    sweep.network = try network.normalized(by: .layer)
    #expect(try trained("batch") == network)
    sweep.network = network.withoutNormalization()
    #expect { _ = try trained("batch") } throws: { "\($0)".contains("no norms") }
  }
}
