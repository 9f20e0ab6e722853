import Evenkeel

/// What trials need to know of data, without the data.
package struct DataDescription: Codable, Hashable, Sendable {
  /// As the command names it.
  package let source: String
  /// Tells other examples, targets or parts apart.
  package let fingerprint: String
  /// The shape of one example.
  package let input: Shape
  /// Classes, or values to predict.
  package let outputs: Int
  package let isClassification: Bool
  package let trainingCount: Int
  package let validationCount: Int
  package let testCount: Int
  /// The score of guessing: the share of the most frequent class, or 0.
  package let chance: Double

  /// A description of data that need not be there.
  package init(
    source: String, fingerprint: String, input: Shape, outputs: Int, isClassification: Bool, trainingCount: Int,
    validationCount: Int, testCount: Int, chance: Double
  ) {
    (self.source, self.fingerprint, self.input, self.outputs) = (source, fingerprint, input, outputs)
    (self.isClassification, self.trainingCount, self.validationCount) = (
      isClassification, trainingCount, validationCount
    )
    (self.testCount, self.chance) = (testCount, chance)
  }

  /// The least score that is more than guessing: three standard deviations of a share among the test examples above `chance`;
  /// 0 for values to predict.
  package var aboveChance: Double { aboveChance(of: nil) }

  /// The same by another metric than accuracy or R².
  package func aboveChance(of metric: Metric?) -> Double {
    let chance = chance(of: metric)
    return isClassification ? chance + 3 * (chance * (1 - chance) / Double(max(1, testCount))).squareRoot() : 0
  }

  /// The score of guessing by `metric`.
  func chance(of metric: Metric?) -> Double {
    switch metric {
    case .rocAUC: 0.5
    case .balancedAccuracy, .macroF1: 1 / Double(outputs)
    default: chance
    }
  }

  /// What a score is called.
  package func scoreName(of metric: Metric?) -> String { metric?.rawValue ?? (isClassification ? "accuracy" : "R²") }

  /// - Throws: `EvenkeelError` with code `usage` for a metric of other targets, one that prefers less, or one for which the score of
  ///   guessing is not known.
  package func requireFit(_ metric: Metric?) throws {
    guard let metric else { return }
    let fitting: [Metric] =
      isClassification ? [.accuracy, .balancedAccuracy, .macroF1, .rocAUC] : [.coefficientOfDetermination]
    guard fitting.contains(metric) else {
      throw EvenkeelError(
        .usage,
        "A sweep does not compare by \(metric.rawValue); on \(source) expected \(fitting.map(\.rawValue).alternatives)."
      )
    }
  }
}

/// Examples that all trials share, read and measured once.
package struct LaboratoryData: Sendable {
  package let description: DataDescription
  package private(set) var training: Dataset
  /// What settings are searched on: a tenth of the training examples, 2,000 at most; for `Use.search` all of them.
  package private(set) var validation: Dataset
  /// What is judged on: 2,000 of the test examples at most, the same ones for every trial.
  package private(set) var test: Dataset
  let scaling: InputScaling
  let loss: Loss
  /// The share of the training examples that is `validation`.
  package static let validationShare = 0.1
  package let warnings: [String]
  /// How `train` trains the table where nothing is said; nil for other data, and for experiments.
  package let recipe: TableRecipe?
  /// Whether `validation` is what `train` holds back of the table or finds in it where nothing is said.
  package let isHeldBack: Bool

  /// What data is for.
  package enum Use: Sendable {
    /// Examples are drawn of what is searched and judged on, where it is large.
    case experiments
    /// Settings of `train`, which a table is read and parted for as `train` does it.
    case search
  }

  /// Reads DATA as the command names it.
  /// - Throws: `EvenkeelError` as `Dataset.read`, and `data` where there is nothing to tell apart: one class, no test examples.
  package init(_ source: String, _ reading: DataReading = DataReading(), for use: Use = .experiments) throws {
    var splits: DatasetSplits
    (splits, recipe, isHeldBack) = try Self.read(source, reading, for: use)
    guard splits.training.count >= 20, !splits.validation.isEmpty, !splits.test.isEmpty else {
      throw EvenkeelError(
        .data,
        "\(source): \(splits.training.count) examples to train on, \(splits.validation.count) to search with and \(splits.test.count) to judge with are too few for experiments."
      )
    }
    if use == .experiments {
      splits.validation = Self.limited(splits.validation)
      splits.test = Self.limited(splits.test)
    }
    training = splits.training
    validation = splits.validation
    test = splits.test
    warnings = splits.warnings
    scaling = try InputScaling(fittedTo: training, threads: Machine.threads)
    var chance = 0.0
    switch training.targets {
    case .none: throw EvenkeelError(.data, "\(source): it has no targets; experiments need something to learn.")
    case .classes(let indices, _):
      var counts: [Int32: Int] = [:]
      for index in indices { counts[index, default: 0] += 1 }
      guard counts.count > 1 else {
        throw EvenkeelError(.data, "\(source): all examples are of one class; there is nothing to tell apart.")
      }
      chance = Double(counts.values.max()!) / Double(indices.count)
      loss = .softmaxCrossEntropy
      description = Self.describe(source, splits, isClassification: true, chance: chance)
    case .values:
      loss = .meanSquaredError
      description = Self.describe(source, splits, isClassification: false, chance: 0)
    }
  }

  /// The parts of `source`, and for a search in a table the recipe and whether its validation part is as in `train`.
  private static func read(
    _ source: String, _ reading: DataReading, for use: Use
  ) throws -> (splits: DatasetSplits, recipe: TableRecipe?, isHeldBack: Bool) {
    if use == .search, try Dataset.isFile(source) {
      var splits = try reading.splits(of: source, validation: 0)
      if splits.training.isTable, !splits.training.isEmpty {
        let recipe = TableRecipe(rows: splits.training.count, features: splits.training.shape.count)
        if splits.validation.isEmpty { splits.holdBack(TableRecipe.validation, seed: 0) }
        return (splits, recipe, true)
      }
    }
    let splits = try reading.splits(of: source, validation: validationShare)
    let training = splits.training
    guard use == .search, training.isTable, !training.isEmpty else { return (splits, nil, false) }
    return (splits, TableRecipe(rows: training.count, features: training.shape.count), false)
  }

  /// The same values, of which each counts as much.
  var withoutWeightsAndLengths: LaboratoryData {
    var plain = self
    plain.training = training.withoutWeightsAndLengths
    plain.validation = validation.withoutWeightsAndLengths
    plain.test = test.withoutWeightsAndLengths
    return plain
  }

  /// Draws few enough of `dataset` that an evaluation takes little of a trial.
  private static func limited(_ dataset: Dataset) -> Dataset {
    dataset.count <= 2_000 ? dataset : dataset.split(fraction: 2_000 / Double(dataset.count), seed: 1).second
  }

  private static func describe(
    _ source: String, _ splits: DatasetSplits, isClassification: Bool, chance: Double
  ) -> DataDescription {
    let training = splits.training
    return DataDescription(
      source: source, fingerprint: fingerprint(splits), input: training.shape, outputs: training.outputCount,
      isClassification: isClassification, trainingCount: training.count, validationCount: splits.validation.count,
      testCount: splits.test.count, chance: chance)
  }

  private static func fingerprint(_ splits: DatasetSplits) -> String {
    var fingerprint = Fingerprint()
    for part in [splits.training, splits.validation, splits.test] { fingerprint.add(part.fingerprint) }
    return fingerprint.text
  }
}
