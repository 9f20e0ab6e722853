import ArgumentParser
import Evenkeel
import EvenkeelLab

struct Tune: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Searches for the settings of train that do best on DATA, and prints the command that repeats the best.",
    discussion:
      "Random search with successive halving: of nine points that are drawn, three are trained for longer and one for all epochs. Drawn are the learning rate (0.0001 to 0.01), weight decay (none, or up to 0.1), one to four hidden layers of 32 to 512 units, dropout (none, or up to 0.5), the batch size (32 to 512) and the norms. A tenth of the training examples decides; the test part is not looked at. Runs are kept in --store, and the same command continues."
  )
  @Argument(help: "digits (drawn by the program), or data as for train.") var data: String
  @Option(help: "The time, e.g. 5m or 1h30m; trials that are under way when it is over are given up.") var budget = "5m"
  @Option(help: "The most points to try; as many as the time allows by default.") var trials: Int?
  @Option(help: "The most passes over the training data of a trial.") var epochs = 27
  @Option(help: "What decides; accuracy by default, r2 for values.") var metric: Metric?
  @Option(help: "Seed of the points.") var seed: UInt64 = 0
  @OptionGroup(title: "Running") var options: LaboratoryOptions

  func run() throws {
    StopSignals.watch()
    if let trials, !(1...Sweep.mostTrials).contains(trials) {
      throw EvenkeelError(.usage, "--trials is \(trials); expected 1 to \(Sweep.mostTrials).")
    }
    guard (1...100_000).contains(epochs) else {
      throw EvenkeelError(.usage, "--epochs is \(epochs); expected 1 to 100000.")
    }
    try options.check()
    let end = ContinuousClock.now + .seconds(try Planner.budget(budget))
    let data = try options.data(data, limited: false)
    try requireFit(data.description)
    let store = try RunStore(options.store.path())
    try store.warnOfUnfitRows()
    var progress = TrialProgress(enabled: !options.quiet)
    StopSignals.trainingStarts()
    let tuning = Tuning(runner: options.runner(store, data), epochs: epochs, metric: metric, seed: seed)
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
    try show(outcomes, data.description, command: command(best))
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

  /// The command that trains the best point again and stores the model.
  private func command(_ best: Tuning.Outcome) -> String {
    let words =
      ["evenkeel", "train", data] + (options.target.map { ["--target", $0] } ?? [])
      + best.point.options(epochs: best.epochs) + ["--output", "best.safetensors"]
    return words.map(\.quotedForShell).joined(separator: " ")
  }

  private static let mostRows = 20

  private func show(_ outcomes: [Tuning.Outcome], _ data: DataDescription, command: String) throws {
    let name = data.scoreName(of: metric)
    if options.json {
      for (index, outcome) in outcomes.enumerated() {
        try emitJSON(
          PointLine(outcome, metric: metric?.rawValue ?? (data.isClassification ? "accuracy" : "r2"), index + 1))
      }
      return try emitJSON(BestLine(command: command))
    }
    try emit("\(data.source): \(outcomes.count) points, judged on \(data.validationCount) validation examples")
    let row = { (cells: [String]) in
      zip(cells, [10, 8, 10, 10, 20, 9, 7]).map { $0.alignedRight(in: $1) }.joined() + "  " + cells.last!
    }
    try emit(row([name, "epochs", "rate", "decay", "hidden", "dropout", "batch", "norm"]))
    for outcome in outcomes.prefix(Self.mostRows) {
      let point = outcome.point
      let score = (metric ?? (data.isClassification ? .accuracy : .coefficientOfDetermination)).text(
        outcome.result.score)
      try emit(
        row([
          outcome.result.isDiverged ? "diverged" : score, "\(outcome.epochs)",
          NumberText.plain.short(point.learningRate), NumberText.plain.short(point.weightDecay),
          point.hidden.map(String.init).joined(separator: ","), NumberText.plain.short(point.dropout),
          "\(point.batchSize)", point.norm.rawValue,
        ]))
    }
    if outcomes.count > Self.mostRows { try emit("… and \(outcomes.count - Self.mostRows) more") }
    try emit("The best again, and kept:\n  \(command)")
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

  init(_ outcome: Tuning.Outcome, metric: String, _ rank: Int) {
    let point = outcome.point
    (self.rank, self.metric, score) = (rank, metric, outcome.result.score)
    (isDiverged, epochs) = (outcome.result.isDiverged, outcome.epochs)
    (learningRate, weightDecay, hidden) = (point.learningRate, point.weightDecay, point.hidden)
    (dropout, batchSize, normalization) = (point.dropout, point.batchSize, point.norm.rawValue)
  }
}

private struct BestLine: Encodable {
  let command: String
}
