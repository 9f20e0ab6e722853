import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import Glibc
import Testing

/// Keeps what it is told.
private final class Listener: RunObserver {
  var start: RunStart?
  var steps: [RunStep] = []
  var epochs: [RunEpoch] = []
  var end: RunEnd?

  func runStarts(_ start: RunStart) { self.start = start }
  func stepEnds(_ step: RunStep) { steps.append(step) }
  func epochEnds(_ epoch: RunEpoch) { epochs.append(epoch) }
  func runEnds(_ end: RunEnd) { self.end = end }
}

private struct Watched {
  let listener = Listener()
  var model: Model
  let data: Dataset
  let trainer: Trainer

  init(_ trainer: Trainer) throws {
    self.trainer = trainer
    var random = RandomNumbers(RandomKey(seed: 3))
    let values = (0..<96 * 4).map { _ in Float(random.normal()) }
    let classes = (0..<96).map { Int32(values[4 * $0] > 0 ? 1 : 0) }
    data = try Dataset(values, shape: [4], targets: .classes(classes, labels: ["low", "high"]))
    model = try Model(
      Network(input: [4]) {
        Dense(6)
        BatchNorm()
        ReLU()
        Dense(2)
      }, seed: 1)
  }

  mutating func train(epochs: Int, resuming: Checkpoint? = nil, stoppingAfter last: Int = .max) throws -> Checkpoint {
    var made = 0
    var checkpoint: Checkpoint?
    let run = ObservedRun(
      try RunStart(of: trainer, on: model, to: data, hasValidation: true, epochs: epochs, resuming: resuming),
      of: trainer, by: [listener])
    do {
      try run.watched {
        try trainer.fit(
          &model, to: data, validation: data, epochs: epochs, resuming: resuming, shouldStop: { made == last }
        ) { event in
          run.note(event)
          switch event {
          case .step: made += 1
          case .epoch(_, let place), .interrupted(let place): checkpoint = place
          case .evaluated, .saved: break
          }
        }
      }
      run.end()
    } catch let error as EvenkeelError where error.code == .interrupted {}
    return checkpoint!
  }
}

private func density(_ x: Double) -> Double { exp(-x * x / 2) / (2 * Double.pi).squareRoot() }

private let trainer = Trainer(
  loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: 0.5), batchSize: 32, schedule: .cosine())

@Test func anObserverHearsOfARunFromItsStartToItsEnd() throws {
  var watched = try Watched(trainer)
  let checkpoint = try watched.train(epochs: 4)
  let heard = watched.listener
  #expect(heard.start?.stepsPerEpoch == 3 && heard.start?.examples == 96 && heard.start?.step == 0)
  #expect(heard.start?.validationScores == ["loss", "accuracy"])
  #expect(heard.epochs.map(\.step) == [3, 6, 9, 12])
  // Half a cosine over 12 steps, the rate of the epoch's last step.
  for (index, rate) in [0.4665, 0.3147, 0.1250, 0.0085].enumerated() {
    #expect(abs(heard.epochs[index].learningRate - rate) < 1e-4)
  }
  #expect(heard.steps.first?.step == 1 && heard.steps.allSatisfy { $0.batch < 3 })
  #expect(heard.epochs.last?.secondsLeft == 0)
  #expect(heard.end?.status == .finished && heard.end?.step == checkpoint.steps && heard.end?.epoch == 4)
}

@Test func anEpochTellsTheNumbersOfItsNorms() throws {
  var watched = try Watched(trainer)
  _ = try watched.train(epochs: 2)
  let (epoch, model) = (watched.listener.epochs[1], watched.model)
  let norm = try #require(epoch.norms.first)
  #expect(epoch.norms.count == 1 && norm.health.layer == "1" && norm.health.shareBelowEpsilon == 0)
  let parameters = Dictionary(uniqueKeysWithValues: model.parameters.map { ($0.name, $0.values.values) })
  let (scale, shift) = (parameters["1.weight"]!, parameters["1.bias"]!)
  #expect(norm.largestScale == scale.map { Double(abs($0)) }.max())
  // P(x̂ > −β / |γ|) for a normal x̂, by Simpson's rule.
  let open = zip(scale, shift).map { scale, shift -> Double in
    let (from, count) = (-Double(shift) / Double(abs(scale)), 2_000)
    let width = (10 - from) / Double(count)
    let sum = (0...count).reduce(0.0) { sum, index in
      let weight = index == 0 || index == count ? 1.0 : index % 2 == 1 ? 4 : 2
      return sum + weight * density(from + Double(index) * width)
    }
    return sum * width / 3
  }
  #expect(abs(norm.health.expectedOpenShare! - open.reduce(0, +) / 6) < 1e-9)
}

@Test func theLagOfANormIsThatBehindTheLastBatch() throws {
  // One batch an epoch, the same as nothing is learned: without debiasing, the running mean is 1 − 0.9ᵗ of the batch's.
  var watched = try Watched(
    Trainer(loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: 1e-30), batchSize: 96))
  watched.model = try Model(
    Network(input: [4]) {
      ReLU()
      BatchNorm(averaging: .exponential(decay: 0.9), debiased: false)
      Dense(2)
    }, seed: 1)
  _ = try watched.train(epochs: 3)
  for (epoch, past) in zip(watched.listener.epochs, [0.9, 0.81, 0.729]) {
    let running = epoch.model.runningStatistics[0].statistics
    let squares = zip(running.mean, running.variance).map { mean, variance in
      let batch = Double(mean) / (1 - past)
      return (batch - Double(mean)) * (batch - Double(mean)) / (Double(variance) + 1e-5)
    }
    let expected = (squares.reduce(0, +) / 4).squareRoot()
    let lag = try #require(epoch.norms[0].runningLag)
    #expect(expected > 0.2 && abs(lag - expected) < 1e-5 * expected, "\(lag), \(expected)")
  }
}

@Test func aFrozenNormHasNoLag() throws {
  var freezing = trainer
  freezing.freezing = NormFreezing(afterEpoch: 1)
  var watched = try Watched(freezing)
  _ = try watched.train(epochs: 2)
  #expect(watched.listener.epochs.map { $0.norms[0].runningLag == nil } == [false, true])
}

@Test func aRunThatGoesOnCountsTheStepsBeforeIt() throws {
  var watched = try Watched(trainer)
  let place = try watched.train(epochs: 4, stoppingAfter: 5)
  #expect(watched.listener.end?.status == .interrupted && watched.listener.end?.step == 5)
  #expect(watched.listener.epochs.map(\.step) == [3])
  var other = try Watched(trainer)
  other.model = place.model
  _ = try other.train(epochs: 4, resuming: place)
  #expect(other.listener.start?.step == 5 && other.listener.epochs.map(\.step) == [6, 9, 12])
  #expect(other.listener.epochs.map(\.record.epoch) == [2, 3, 4])
}

@Test func aRunThatFailsBeforeItsFirstStepIsNotTold() throws {
  var watched = try Watched(trainer)
  watched.model = try Model(Network(input: [5]) { Dense(2) }, seed: 1)
  #expect(throws: EvenkeelError.self) { try watched.train(epochs: 1) }
  #expect(watched.listener.start == nil && watched.listener.end == nil)
}
