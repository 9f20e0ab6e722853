import Evenkeel
import EvenkeelLab
import EvenkeelTestSupport
import Testing

@Suite struct TrialTests {
  @Test func theSameTrialGivesTheSameNumbersAndADivergedOneIsAResult() throws {
    let data = try smallData()
    let trial = smallTrial(data, steps: 100)
    let (first, second) = (try trial.run(on: data)!, try trial.run(on: data)!)
    #expect(first.curve == second.curve && first.curve.map(\.step) == [25, 50, 75, 100])
    #expect(first.score > 0.9 && !first.isDiverged)
    var wild = smallTrial(data, rate: 1e38)
    wild.network = wild.network.withoutNormalization()
    let result = try wild.run(on: data)!
    #expect(result.isDiverged && result.score == data.description.chance && result.reason != nil)
  }

  @Test(arguments: Trial.Method.allCases)
  func everyOptimizerTrains(method: Trial.Method) throws {
    let data = try smallData()
    var trial = smallTrial(data, rate: method == .gradientDescent ? 0.1 : 0.01, steps: 100)
    trial.method = method
    let result = try trial.run(on: data)!
    #expect(!result.isDiverged && result.score > 0.9)
  }

  /// What cannot be trained on the data is said so, and neither counted as divergence nor put into a store.
  @Test func whatDoesNotFitTheDataIsAnErrorAndNoDivergence() throws {
    let data = try smallData()
    func changed(_ change: (inout Trial) -> Void) -> Trial {
      var trial = smallTrial(data)
      change(&trial)
      return trial
    }
    let wrongInput = changed { $0.network = Network(input: [13], layers: $0.network.layers) }
    let wrongOutputs = changed { trial in
      trial.network = Network(input: [2]) {
        BatchNorm()
        Dense(3)
      }
    }
    var ghost = smallTrial(data)
    ghost.network = try ghost.network.compared(by: .ghost(size: 1_000))
    for (trial, code, part) in [
      (wrongInput, EvenkeelError.Code.data, "[13]"), (wrongOutputs, .usage, "3"),
      (changed { $0.batchSize = 1 }, .usage, "batch"),
      (ghost, .usage, "1000"),
    ] {
      func isIt(_ error: any Error) -> Bool {
        let error = error as? EvenkeelError
        return error?.code == code && error?.message.contains(part) ?? false
      }
      #expect { try trial.requireFit(data) } throws: { isIt($0) }
      #expect { _ = try trial.run(on: data) } throws: { isIt($0) }
      try withTemporaryPath(".sqlite") { path in
        let store = try RunStore(path)
        #expect {
          try TrialRunner(store: store, data: data).run([smallTrial(data), trial])
        } throws: { isIt($0) }
        #expect(try store.runs().isEmpty)
      }
    }
    try data.requireFit([smallTrial(data), smallTrial(data, rate: 1e38)])
  }

  /// Sequences with lengths have a speed too, which is not that of runs that end at once.
  @Test func speedIsMeasuredOnAnyShape() throws {
    let data = try withTemporaryPath(".npz") { path in
      writeBytes(sequenceArchive(), to: path)
      return try LaboratoryData(path)
    }
    #expect(data.description.input == [12, 2] && data.training.lengths != nil)
    let network = Network(input: [24]) {
      Dense(100)
      BatchNorm()
      ReLU()
      Dense(2)
    }
    let trial = Trial(network: network, data: "", learningRate: 0.1, steps: 1_000, evaluations: 1, seed: 1)
    let seconds = try Speed(measuredOn: data).seconds(trial)
    // Half of 10⁹ multiply-adds; no thread makes 10¹² a second.
    #expect(seconds > 0.0004 && seconds.isFinite, "\(seconds)")
  }

  /// What a trial does in parts, stopping to measure, is one training.
  @Test func measuringOnTheWayChangesNothing() throws {
    let data = try smallData()
    var often = smallTrial(data, steps: 60)
    often.evaluations = 30
    often.probes = [.statistics, .inputs, .landscape, .biases, .curvature]
    var once = often
    (once.evaluations, once.probes) = (1, [])
    let (a, b) = (try often.run(on: data)!, try once.run(on: data)!)
    #expect(a.curve.last == b.curve.last)
    #expect(a.measures[.recalibrated]?.count == 30 && a.measures[.movement]?.count == 29)
    #expect(a.measures[.eigenvalues]!.count == 2 && a.measures[.smoothness]!.allSatisfy { $0 > 0 })
  }

  @Test func initialScaleMultipliesWeightsAlone() throws {
    let data = try smallData()
    var trial = smallTrial(data)
    let plain = try trial.start(on: data)
    trial.initialScale = 3
    for (a, b) in zip(plain.parameters, try trial.start(on: data).parameters) {
      let factor: Float = a.role == .weight ? 3 : 1
      #expect(zip(a.values.values, b.values.values).allSatisfy { abs($0 * factor - $1) <= 1e-6 * abs($1) })
    }
  }

  @Test func trialsAreKeptApartByEverySettingAndReadBack() throws {
    let data = try smallData()
    let trial = smallTrial(data)
    var keys: Set<String> = [try trial.key]
    for change in [
      { $0.seed = 2 }, { $0.learningRate = 0.2 }, { $0.steps = 21 }, { $0.initialScale = 2 }, { $0.batchSize = 21 },
      { $0.network = $0.network.withoutNormalization() }, { $0.evaluatedOn = .validation }, { $0.probes = [.biases] },
      { $0.weightDecay = 1 }, { $0.method = .adam }, { $0.data = "other" },
    ] as [(inout Trial) -> Void] {
      var other = trial
      change(&other)
      #expect(keys.insert(try other.key).inserted)
    }
    #expect(try fromJSON(Trial.self, json(trial)) == trial)
    // Its network holds a layer that no network file may name before.
    let noisy = Trial(
      network: Network(input: [2], layers: trial.network.layers + [NoiseInjection()]), data: "", learningRate: 1,
      clippingNorm: 2, steps: 1, seed: .max, probes: [.curvature])
    #expect(try fromJSON(Trial.self, json(noisy)) == noisy)
    let result = TrialResult(
      curve: [.init(step: 1, loss: .infinity, score: 0)], score: 0, measures: [.weightsChange: [.nan, 1]])
    #expect(try fromJSON(TrialResult.self, json(result)).curve == result.curve)
  }

  @Test func stepsToATargetLieOnTheLineBetweenEvaluations() {
    let result = TrialResult(
      curve: [.init(step: 10, loss: 1, score: 0.5), .init(step: 20, loss: 1, score: 0.7)], score: 0.7)
    #expect(result.steps(to: 0.4) == 10 && abs(result.steps(to: 0.6)! - 15) < 1e-9 && result.steps(to: 0.8) == nil)
  }

  @Test func dataOfOneClassIsRefused() throws {
    try withTemporaryPath(".csv") { path in
      try Model.writeText("a,class\n" + (0..<100).map { "\($0),x\n" }.joined(), to: path)
      #expect { _ = try LaboratoryData(path) } throws: { ($0 as? EvenkeelError)?.code == .data }
    }
  }

  @Test func aRegressionScoresByTheShareOfVarianceExplained() throws {
    let rows = (0..<300).map { "\(0.37 * Double($0)),\(0.74 * Double($0) + 1)\n" }
    let data = try withTemporaryPath(".csv") { path in
      try Model.writeText("a,y\n" + rows.joined(), to: path)
      return try LaboratoryData(path)
    }
    #expect(!data.description.isClassification && data.description.chance == 0)
    let trial = Trial(
      network: Network(input: [1]) { Dense(1) }, data: data.description.fingerprint, learningRate: 0.1, batchSize: 30,
      steps: 200, seed: 1)
    #expect(try trial.run(on: data)!.score > 0.99)
  }
}
