import ArgumentParser
import Evenkeel
import EvenkeelLab

struct Tune: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Searches for the settings of train that do best on DATA, and prints the command that repeats the best.",
    discussion:
      """
      Random search with successive halving: of nine points that are drawn, three are trained for longer and one for all epochs. The test part is not looked at. Runs are kept in --store, and the same command continues.

      For a table, the first point is what train does by default, as one network, and is always trained for all epochs; the others keep each of its settings or draw another: the learning rate, weight decay, hidden layers (one to four of 32 to 512 units), dropout, the batch size, batch norm or none, and what becomes of numbers (--numeric, --embedding, --bins). The rows that train holds back decide.

      For other data, drawn are the learning rate (0.0001 to 0.01), weight decay (none, or up to 0.1), one to four hidden layers of 32 to 512 units, dropout (none, or up to 0.5), the batch size (32 to 512) and the norms. A tenth of the training examples decides.
      """
  )
  @Argument(help: "digits (drawn by the program), or data as for train.") var data: String
  @Option(help: "The time, e.g. 5m or 1h30m; trials that are under way when it is over are given up.") var budget = "5m"
  @Option(help: "The most points to try; as many as the time allows by default.") var trials: Int?
  @Option(
    help: "The most passes over the training data of a trial; for a table those of train by default, for other data 27."
  )
  var epochs: Int?
  @Option(help: "What decides; accuracy by default, r2 for values.") var metric: Metric?
  @Option(help: "Seed of the points.") var seed: UInt64 = 0
  @OptionGroup(title: "Running") var options: LaboratoryOptions

  func run() throws {
    StopSignals.watch()
    if let trials, !(1...Sweep.mostTrials).contains(trials) {
      throw EvenkeelError(.usage, "--trials is \(trials); expected 1 to \(Sweep.mostTrials).")
    }
    if let epochs, !(1...100_000).contains(epochs) {
      throw EvenkeelError(.usage, "--epochs is \(epochs); expected 1 to 100000.")
    }
    try options.check()
    let end = ContinuousClock.now + .seconds(try Planner.budget(budget))
    let data = try options.data(data, for: .search)
    try requireFit(data.description)
    let store = try RunStore(options.store.path())
    try store.warnOfUnfitRows()
    var progress = TrialProgress(enabled: !options.quiet)
    StopSignals.trainingStarts()
    let tuning = Tuning(
      runner: options.runner(store, data), epochs: epochs ?? data.recipe?.epochs ?? 27, metric: metric, seed: seed)
    let outcomes = try tuning.run(
      points: trials ?? Sweep.mostTrials, isOver: { ContinuousClock.now >= end }, shouldStop: { StopSignals.haveCome }
    ) { done, epochs in
      progress.show("tune, \(epochs) \(epochs == 1 ? "epoch" : "epochs")", done)
    }
    progress.clear()
    guard let best = outcomes.first, !best.result.isDiverged else {
      throw EvenkeelError(
        .data,
        outcomes.isEmpty
          ? "No trial was finished in --budget \(budget); give more time, or fewer --epochs."
          : "All \(outcomes.count) trials diverged; see evenkeel runs.")
    }
    try show(outcomes, data, best)
  }

  /// - Throws: `EvenkeelError` with code `usage` for a metric of other targets.
  private func requireFit(_ data: DataDescription) throws {
    guard let metric else { return }
    let fitting = Metric.allCases.filter { $0.isOfClasses == data.isClassification && ($0 != .f1 || data.outputs == 2) }
    guard fitting.contains(metric) else {
      throw EvenkeelError(
        .usage,
        "--metric \(metric.rawValue) does not fit \(data.source); expected \(fitting.map(\.rawValue).alternatives).")
    }
  }

  /// The command that trains with `settings` and stores the model.
  private func command(_ settings: [String]) -> String {
    (["evenkeel", "train", data] + options.dataWords + settings + ["--output", "best.safetensors"])
      .map(\.quotedForShell).joined(separator: " ")
  }

  private static let mostRows = 20

  private func show(_ outcomes: [Tuning.Outcome], _ data: LaboratoryData, _ best: Tuning.Outcome) throws {
    let command = command(best.point.options(epochs: best.epochs, on: data, metric: metric))
    let averaged = best.point.averagedOptions(epochs: best.epochs, on: data, metric: metric).map { self.command($0) }
    let shown = metric ?? (data.description.isClassification ? .accuracy : .coefficientOfDetermination)
    if options.json {
      for (index, outcome) in outcomes.enumerated() {
        try emitJSON(PointLine(outcome, metric: shown.rawValue, index + 1))
      }
      return try emitJSON(BestLine(command: command, averaged: averaged))
    }
    let description = data.description
    try emit(
      "\(description.source): \(outcomes.count) points, judged on \(description.validationCount) validation examples")
    try emit(
      row(
        [description.scoreName(of: metric), "epochs", "rate", "decay", "hidden", "dropout", "batch"],
        data.recipe == nil ? "norm" : "norm, numbers"))
    for outcome in outcomes.prefix(Self.mostRows) { try emit(row(outcome, by: shown)) }
    if outcomes.count > Self.mostRows { try emit("… and \(outcomes.count - Self.mostRows) more") }
    if let standard = outcomes.dropFirst(Self.mostRows).first(where: \.isRecipe) { try emit(row(standard, by: shown)) }
    try emit("The best again, and kept:\n  \(command)")
    if let averaged, let members = data.recipe?.members {
      try emit(
        "The same as \(members) networks, averaged, each with other rows held back, is likely better:\n  \(averaged)")
    }
  }

  private func row(_ outcome: Tuning.Outcome, by metric: Metric) -> String {
    let point = outcome.point
    return row(
      [
        outcome.result.isDiverged ? "diverged" : metric.text(outcome.result.score), "\(outcome.epochs)",
        NumberText.plain.short(point.learningRate), NumberText.plain.short(point.weightDecay),
        point.hidden.map(String.init).joined(separator: ","), NumberText.plain.short(point.dropout),
        "\(point.batchSize)",
      ],
      point.norm.rawValue + (point.numbers.map { ", \($0.text)" } ?? "") + (outcome.isRecipe ? " (the defaults)" : ""))
  }

  private func row(_ cells: [String], _ last: String) -> String {
    zip(cells, [10, 8, 10, 10, 20, 9, 7]).map { $0.alignedRight(in: $1) }.joined() + "  " + last
  }
}

extension TuningPoint.Numbers {
  /// As in `robust, piecewise 16`.
  fileprivate var text: String {
    transform.rawValue + ", "
      + (embedding == .none
        ? "no vectors" : embedding == .piecewise ? "\(embedding.rawValue) \(bins)" : embedding.rawValue)
  }
}

/// A point in JSON.
private struct PointLine: Encodable {
  let rank: Int
  let metric: String
  let score: Double
  let isDiverged: Bool
  let epochs: Int
  let learningRate, weightDecay: Double
  let hidden: [Int]
  let dropout: Double
  let batchSize: Int
  let normalization: String
  /// Of tables.
  let numeric, embedding: String?
  let bins: Int?

  init(_ outcome: Tuning.Outcome, metric: String, _ rank: Int) {
    let (point, numbers) = (outcome.point, outcome.point.numbers)
    (self.rank, self.metric, score) = (rank, metric, outcome.result.score)
    (isDiverged, epochs) = (outcome.result.isDiverged, outcome.epochs)
    (learningRate, weightDecay, hidden) = (point.learningRate, point.weightDecay, point.hidden)
    (dropout, batchSize, normalization) = (point.dropout, point.batchSize, point.norm.rawValue)
    (numeric, embedding) = (numbers?.transform.rawValue, numbers?.embedding.rawValue)
    bins = numbers?.embedding == .piecewise ? numbers?.bins : nil
  }
}

private struct BestLine: Encodable {
  let command: String
  /// Of a table: the same with several networks.
  let averaged: String?
}
