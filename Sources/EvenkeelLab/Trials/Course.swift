import Evenkeel

/// What a trial has measured so far.
struct Course {
  let trial: Trial
  let data: LaboratoryData
  var result = TrialResult(curve: [], score: 0)
  private var inputs: InputsCourse?

  init(trial: Trial, data: LaboratoryData) { (self.trial, self.data) = (trial, data) }

  mutating func measure(_ model: Model, at step: Int, on examples: Dataset) throws {
    let (quality, score) = try judge(model, on: examples)
    result.curve.append(TrialResult.Point(step: step, loss: quality.loss, score: score))
    result.score = score
    for probe in trial.probes {
      switch probe {
      case .statistics: try measureStatistics(of: model, on: examples)
      case .inputs: try measureInputs(of: model)
      case .landscape: try measureLandscape(of: model)
      case .biases, .curvature: break
      }
    }
  }

  /// - Throws: `EvenkeelError` with code `usage` if the trial's metric is not defined on `examples`.
  private func judge(_ model: Model, on examples: Dataset) throws -> (quality: Quality, score: Double) {
    guard let metric = trial.metric else {
      let quality = try model.evaluate(examples, threads: 1)
      return (quality, score(quality))
    }
    let evaluation = try model.evaluation(of: examples, threads: 1)
    guard let value = evaluation.value(of: metric) else {
      throw EvenkeelError(
        .usage, "The metric \(metric.rawValue) is not defined on the \(trial.evaluatedOn.rawValue) examples.")
    }
    return (evaluation.quality, value)
  }

  /// Takes the measurements that come only after the last step.
  mutating func finish(_ model: Model) throws {
    if trial.probes.contains(.biases) { try measureBiases(of: model) }
    if trial.probes.contains(.curvature) { try measureCurvature(of: model) }
  }

  private mutating func note(_ measure: Measure, _ value: Double) {
    result.measures[measure, default: []].append(value)
  }

  /// The first `count` examples of `dataset`, which are in no particular order.
  private func some(_ dataset: Dataset, _ count: Int) -> Dataset { dataset.subset(0..<min(count, dataset.count)) }

  /// The score with exact statistics of a thousand training examples, and with those of the batch itself for batches of 60 and
  /// of 2. With running averages it is the curve's.
  private mutating func measureStatistics(of model: Model, on examples: Dataset) throws {
    var exact = model
    try exact.recalibrate(on: some(data.training, 1_000), threads: 1)
    note(.recalibrated, score(try exact.evaluate(examples, threads: 1)))
    for (size, batches, measure) in [(60, 8, Measure.batchOf60), (2, 60, .batchOf2)] where examples.count >= size {
      var sum = 0.0
      let count = min(batches, examples.count / size)
      for batch in 0..<count {
        let part = examples.subset(batch * size..<(batch + 1) * size)
        var own = model
        try own.recalibrate(on: part, threads: 1)
        sum += score(try own.evaluate(part, threads: 1))
      }
      note(measure, sum / Double(count))
    }
  }

  private func score(_ quality: Quality) -> Double { quality.accuracy ?? 1 - quality.loss }

  /// Percentiles of a typical unit's input, the share of all inputs in a sigmoid's linear part, and how far the percentiles of
  /// all units moved since the last time.
  private mutating func measureInputs(of model: Model) throws {
    if inputs == nil { inputs = InputsCourse(probe: try ActivationProbe(model, examples: some(data.test, 500))) }
    let now = try inputs!.probe.inputs(of: model)
    let unit = inputs!.unit ?? now.typicalUnit
    note(.low, now.units[unit].low)
    note(.median, now.units[unit].median)
    note(.high, now.units[unit].high)
    note(.linearPart, now.linearShare)
    if let last = inputs!.last { note(.movement, InputsCourse.movement(from: last, to: now)) }
    (inputs!.unit, inputs!.last) = (unit, now)
  }

  /// Range of the loss, change of the gradient and effective smoothness along the gradient, on 256 training examples.
  private mutating func measureLandscape(of model: Model) throws {
    let surface = try LossSurface(model, examples: some(data.training, 256))
    let walk = try surface.walk(from: surface.point)
    note(.lossRange, walk.lossRange.upperBound - walk.lossRange.lowerBound)
    note(.gradientChange, walk.gradientChangeRange.upperBound)
    note(.smoothness, walk.effectiveSmoothness)
  }

  /// Biases but the output layer's, which no norm follows, and how far weights have come from where they started.
  private mutating func measureBiases(of model: Model) throws {
    let biases = model.parameters.filter { $0.role == .bias }.dropLast().flatMap { $0.values.values }
    if !biases.isEmpty { note(.biases, rootMeanSquare(biases.map { Double($0) })) }
    let start = try trial.start(on: data)
    let changes = zip(start.parameters, model.parameters).filter { $0.0.role == .weight }.flatMap { before, after in
      zip(before.values.values, after.values.values).map { Double($1) - Double($0) }
    }
    note(.weightsChange, rootMeanSquare(changes))
  }

  private func rootMeanSquare(_ values: [Double]) -> Double {
    (values.reduce(0) { $0 + $1 * $1 } / Double(max(1, values.count))).squareRoot()
  }

  /// The two leading eigenvalues of the Hessian on 500 training examples, how ill-conditioned it is, and the loss over the plane
  /// of the two directions.
  private mutating func measureCurvature(of model: Model) throws {
    let surface = try LossSurface(model, examples: some(data.training, 500))
    let hessian = try Hessian(of: surface)
    let spectrum = try hessian.spectrum(seed: trial.seed)
    result.measures[.eigenvalues] = spectrum.largest.map(\.value)
    note(.leadingRatio, spectrum.leadingRatio)
    note(.condition, spectrum.condition())
    guard let contour = try? surface.contour(around: surface.point, spectrum, resolution: 17) else { return }
    result.measures[.contourCoordinates] = contour.coordinates
    result.measures[.contourLosses] = Array(contour.losses.joined())
  }
}

/// One unit followed over a training.
private struct InputsCourse {
  let probe: ActivationProbe
  var unit: Int?
  var last: ActivationInputs?

  /// The mean over units and percentiles of how far a percentile moved, in units of the unit's spread from the 15th to the 85th
  /// before.
  static func movement(from before: ActivationInputs, to after: ActivationInputs) -> Double {
    var (sum, count) = (0.0, 0)
    for (a, b) in zip(before.units, after.units) where a.high > a.low {
      sum += (abs(b.low - a.low) + abs(b.median - a.median) + abs(b.high - a.high)) / 3 / (a.high - a.low)
      count += 1
    }
    return sum / Double(max(1, count))
  }
}
