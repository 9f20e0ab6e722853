import Evenkeel
import Glibc

extension Trial {
  /// Trains and measures, only on the calling thread.
  ///
  /// - Parameter shouldStop: Asked after every step.
  /// - Returns: nil if `shouldStop` said so.
  /// - Throws: `EvenkeelError` for a description that cannot be carried out; one that diverges is a result.
  package func run(on data: LaboratoryData, shouldStop: () -> Bool = { false }) throws -> TrialResult? {
    precondition(self.data == data.description.fingerprint, "The trial is of other data.")
    var model = try start(on: data)
    let examples = evaluatedOn == .test ? data.test : data.validation
    let trainer = trainer(on: data)
    let wanted = Set(evaluationSteps)
    var course = Course(trial: self, data: data)
    var (step, measuring) = (0, 0.0)
    let started = processorTime()
    do {
      if let table {
        var stepped = started
        try trainer.fit(&model, to: data.training, validation: examples, epochs: table.epochs, shouldStop: shouldStop) {
          switch $0 {
          case .step: (step, stepped) = (step + 1, processorTime())
          case .epoch: measuring += processorTime() - stepped
          case .evaluated, .interrupted, .saved: break
          }
        }
        course.result.seconds = processorTime() - started - measuring
        try course.measure(model, at: step, on: examples)
      } else {
        try trainer.fit(
          &model, to: data.training, epochs: .max, shouldStop: { step == steps || shouldStop() },
          observing: { made, model in
            step = made
            guard wanted.contains(made) else { return }
            let paused = processorTime()
            try course.measure(try model(), at: made, on: examples)
            measuring += processorTime() - paused
          })
      }
    } catch let error as EvenkeelError where error.code == .interrupted {
      course.result.seconds = processorTime() - started - measuring
      guard step == steps else { return nil }
    } catch let error as EvenkeelError where error.code == .data {
      // What does not fit the data fails here too; with that out of the way, it is the run that left the finite numbers.
      if course.result.curve.isEmpty { try requireFit(data) }
      course.result.seconds = processorTime() - started - measuring
      course.result.divergedAt = step + 1
      course.result.reason = error.message
      course.result.score = data.description.chance(of: metric)
      return course.result
    }
    try course.finish(model)
    return course.result
  }

  private func trainer(on data: LaboratoryData) -> Trainer {
    var trainer = Trainer(
      loss: data.loss, optimizer: optimizer, batchSize: min(batchSize, data.training.count), clippingNorm: clippingNorm,
      seed: seed, threads: 1)
    if let table {
      (trainer.schedule, trainer.metric, trainer.patience) = (.cosine(), metric, table.patience)
      (trainer.averaging, trainer.numbers) = (table.averaging, table.numbers)
    }
    return trainer
  }

  /// Makes sure that the trial can be carried out on `data`, whatever becomes of it.
  /// - Throws: `EvenkeelError` that says what does not fit: shape, outputs, classes, batch size, ghost batches.
  package func requireFit(_ data: LaboratoryData) throws {
    do {
      try requireCounts()
      try trainer(on: data).requireFit(start(on: data), to: data.training, evaluatedOn: [data.validation, data.test])
    } catch let error as EvenkeelError {
      throw error.at("\(network.summary) cannot be trained on \(data.description.source)")
    }
  }

  /// The model before the first step.
  package func start(on data: LaboratoryData) throws -> Model {
    var model = try Model(network, seed: seed)
    // Training fits a table's numbers, and layers to them.
    if table == nil { (model.scaling, model.encoding) = (data.scaling, data.training.encoding) }
    guard initialScale != 1 else { return model }
    for (name, role, values) in model.parameters where role == .weight {
      try model.setParameter(
        name, to: Tensor(values.values.map { Float(Double($0) * initialScale) }, shape: values.shape))
    }
    return model
  }
}

extension LaboratoryData {
  /// Makes sure that each of `trials` can be carried out on the data.
  /// - Throws: As `Trial.requireFit`, of the first that cannot.
  package func requireFit(_ trials: [Trial]) throws {
    var seen: Set<Trial> = []
    for var trial in trials {
      try trial.requireCounts()
      // What has nothing to do with fitting.
      (trial.learningRate, trial.initialScale, trial.seed, trial.steps) = (1, 1, 0, 1)
      (trial.evaluatedOn, trial.evaluations, trial.probes) = (.test, 1, [])
      if seen.insert(trial).inserted { try trial.requireFit(self) }
    }
  }
}

/// The seconds that the calling thread has computed: other trials beside it do not count.
private func processorTime() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
