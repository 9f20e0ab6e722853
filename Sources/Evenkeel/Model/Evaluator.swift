/// An evaluation in the making: data comes in one or more parts.
struct Evaluator: Sendable {
  private let output: OutputDescription
  private let threshold: DecisionThreshold?
  private let width: Int
  private let table: TrainingTable?
  private var sums = Loss.Sums()
  private var targetSums: [Double]?
  /// Of examples of classes that the model does not know.
  private var unknownWeight = 0.0
  /// The rows, where those of the training are known.
  private var rows = RowsFingerprint()
  private var classes: ClassPredictions?
  private var values: ValuePredictions?

  /// - Parameters:
  ///   - output: What outputs mean.
  ///   - width: The number of outputs for an example.
  ///   - keepsPredictions: Whether to keep outputs and target of each example, which metrics are computed from; else only the sums that
  ///     `Quality` needs.
  ///   - threshold: As for `Model.evaluation`.
  ///   - table: What was trained on, to tell whether that is what is evaluated.
  init(
    _ output: OutputDescription?, width: Int, keepsPredictions: Bool = false, threshold: DecisionThreshold? = nil,
    table: TrainingTable? = nil
  ) throws {
    guard let output else {
      throw EvenkeelError.usage(
        "The model has no loss to evaluate: it is not trained, or came from a file that does not say what its outputs are."
      )
    }
    (self.output, self.width, self.threshold) = (output, width, threshold ?? output.ownThreshold)
    self.table = table
    guard keepsPredictions || self.threshold != nil else { return }
    if output.classLabels.isEmpty {
      values = ValuePredictions(names: output.targetNames)
    } else {
      classes = ClassPredictions(known: output.classLabels)
    }
  }

  /// Adds the examples of `dataset`, of which `run` hands on the outputs in batches.
  mutating func add(_ dataset: Dataset, _ run: (Model.BatchOfOutputs) throws -> Void) throws {
    let targets = try TargetBuffer(
      dataset, output: output, width: width, tellsTargetsApart: true, takesUnknownClasses: true)
    try classes?.reserve(dataset.count)
    try values?.reserve(dataset.count, width: width)
    if table != nil { rows.add(dataset) }
    let truth = classes?.places(of: dataset.targets) ?? []
    var (interpreted, batchSums) = ([Double](), Loss.Sums())
    var unknown = 0.0
    var (classes, values) = (take(&self.classes), take(&self.values))
    try run { outputs, start, rows, weights in
      let known = targets.weightsOfKnown(start..<start + rows, weights)
      if known != nil { unknown += weights.total(rows) - known!.reduce(0) { $0 + Double($1) } }
      batchSums += known.withPointer(or: weights.weights) {
        output.loss.evaluate(
          outputs, rows: rows, width: width, targets: targets.batch(at: start), weights: $0, gradient: nil)
      }
      guard classes != nil || values != nil else { return }
      if interpreted.count < rows * width { interpreted = [Double](repeating: 0, count: rows * width) }
      interpreted.withUnsafeMutableBufferPointer { buffer in
        output.interpret(outputs, rows: rows, width: width, into: buffer.baseAddress!)
        for row in 0..<rows {
          let weight = weights.weights.map { Double($0[row]) } ?? 1
          guard weight > 0 else { continue }
          let own = UnsafeBufferPointer(rebasing: buffer[row * width..<(row + 1) * width])
          classes?.add(
            own, of: output, choice: output.choice(of: own, threshold: threshold), truth: truth[start + row],
            weight: weight)
          values?.add(own, target: dataset.targets, at: start + row, weight: weight)
        }
      }
    }
    (self.classes, self.values) = (classes, values)
    sums += batchSums
    unknownWeight += unknown
    addTargetSums(targets.targetSums)
  }

  /// Adds the examples of `dataset` with `width` predictions each, which become the outputs that give them.
  mutating func add(_ predictions: [Double], for dataset: Dataset) throws {
    let (output, width) = (output, width)
    let most = 1024
    let (outputs, weights) = (
      AlignedFloats(count: most * width), ExampleWeightBuffer(dataset, batch: most)
    )
    try add(dataset) { body in
      for start in stride(from: 0, to: dataset.count, by: most) {
        let rows = min(most, dataset.count - start)
        for index in 0..<rows * width {
          outputs.start[index] = output.raw(
            predictions[start * width + index], output: index % width)
        }
        try body(outputs.start, start, rows, weights.gather(rows) { start + $0 })
      }
    }
  }

  private mutating func addTargetSums(_ own: [Double]?) {
    if let own { targetSums = targetSums.map { zip($0, own).map(+) } ?? own }
  }

  /// Adds what `later` was given.
  mutating func add(_ later: Evaluator) {
    sums += later.sums
    rows.add(later.rows)
    unknownWeight += later.unknownWeight
    addTargetSums(later.targetSums)
    if let more = later.classes { classes?.add(more) }
    if let more = later.values { values?.add(more) }
  }

  /// What was added, for other ranks.
  func write(to bytes: inout RankBytes) {
    bytes.write(sums)
    bytes.write(targetSums == nil)
    bytes.write(targetSums ?? [])
    bytes.write(unknownWeight)
    bytes.write(rows)
    classes?.write(to: &bytes)
    values?.write(to: &bytes)
  }

  /// This one, which has nothing yet, with what another rank has written.
  func reading(_ bytes: inout RankBytes) -> Evaluator {
    var result = self
    result.sums = bytes.read()
    let hasNone = bytes.read(Bool.self)
    let targetSums = bytes.read([Double].self)
    result.targetSums = hasNone ? nil : targetSums
    result.unknownWeight = bytes.read()
    result.rows = bytes.read()
    result.classes?.read(&bytes)
    result.values?.read(&bytes)
    return result
  }

  /// - Throws: `EvenkeelError` with code `data` if nothing that counts was added, or the loss is not finite.
  func quality() throws -> Quality {
    guard sums.examples > 0 else { throw EvenkeelError.data("The data set to evaluate has no rows.") }
    guard sums.weight > 0 else {
      throw unknownWeight > 0
        ? output.knowsNoClass(of: sums.examples)
        : EvenkeelError.data("None of the \(sums.examples) examples has a weight above 0.")
    }
    guard sums.loss.isFinite else {
      throw EvenkeelError.data(
        "The model's loss on the data is \(sums.loss.isNaN ? "not a number" : "infinite"): its parameters or the data are out of range."
      )
    }
    return Quality(
      sums, targetSums, output: output, width: width, unknownWeight: unknownWeight,
      accuracy: threshold == nil ? nil : classes?.value(of: .accuracy))
  }

  /// - Throws: As `quality`.
  func evaluation() throws -> Evaluation {
    Evaluation(
      quality: try quality(), classes: classes, values: values,
      trainingTable: table.flatMap { $0.rows == rows ? $0 : nil })
  }
}

extension OutputDescription {
  /// The error of data of which no example is of a class that the model knows.
  func knowsNoClass(of count: Int) -> EvenkeelError {
    .data(
      "None of the \(count) examples is of a class that occurs in the training data: \(Array(classLabels.prefix(20)).alternatives)."
    )
  }
}

/// Moves a value out, so that the next owner changes it in place.
private func take<Value>(_ value: inout Value?) -> Value? {
  defer { value = nil }
  return value
}

extension [Float]? {
  fileprivate func withPointer<Result>(
    or other: UnsafePointer<Float>?, _ body: (UnsafePointer<Float>?) -> Result
  ) -> Result {
    guard let self else { return body(other) }
    return self.withUnsafeBufferPointer { body($0.baseAddress) }
  }
}
