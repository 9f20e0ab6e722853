import ArgumentParser
import Evenkeel
import EvenkeelLab

struct SweepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Compares norms over the same learning rates and initial scales.")
  @Argument(help: "digits (drawn by the program), or data as for train.") var data = "digits"
  @Option(help: "The step sizes: a range as 1e-4..10, or one number.") var learningRate = "1e-4..10"
  @Option(
    name: .customLong("init-scale"),
    help: "What the initial weights are multiplied by: a range as 0.01..10, or one number.") var initialScale =
    "0.01..10"
  @Option(help: "The norms to compare, separated by commas: \(Normalization.names.alternatives).")
  var normalization = "batch,none"
  @Option(help: "The number of trials, shared evenly among the norms.") var trials = 200
  @Flag(help: "Arrange the tried settings in rows and columns; by default they are quasi-random.") var grid = false
  @OptionGroup(title: "Network") var network: NetworkOptions
  @Option(help: "What trials are judged by: accuracy, balanced-accuracy, f1-macro or roc-auc; r2 for values.")
  var metric: Metric?
  @Option(help: "How gradients change parameters.") var optimizer = Trial.Method.gradientDescent
  @Option(help: "Examples in a mini-batch.") var batchSize = 60
  @Option(help: "Steps of a trial.") var steps = 2_000
  @Option(help: "Seed of the tried settings, the initial weights and the orders of examples.") var seed: UInt64 = 1
  @Option(help: "An HTML file for a report with heat maps.") var report: String?
  @Option(help: "A folder for the trials as TensorBoard shows them, a row each in its table of hyperparameters.")
  var tensorboard: String?
  @Option(help: "A file that grows by a JSON object a line as trials come to their ends.") var log: String?
  @OptionGroup(title: "Running") var options: LaboratoryOptions

  func run() throws {
    StopSignals.watch()
    guard (1...Sweep.mostTrials).contains(trials) else {
      throw EvenkeelError(.usage, "--trials is \(trials); expected 1 to \(Sweep.mostTrials).")
    }
    try options.check()
    try network.requireOneDescription()
    let rates = try LogarithmicRange(learningRate, name: "--learning-rate")
    let scales = try LogarithmicRange(initialScale, name: "--init-scale")
    var sides: [Normalization] = []
    for name in normalization.split(separator: ",", omittingEmptySubsequences: false) {
      let side = try Normalization(named: String(name))
      guard !sides.contains(side) else { throw EvenkeelError(.usage, "--normalization names \(name) twice.") }
      sides.append(side)
    }
    guard trials >= sides.count else {
      throw EvenkeelError(.usage, "--trials is \(trials); expected at least \(sides.count), one for each norm.")
    }
    try requireOutput(report)
    try requireApart(report, from: [data, network.network], store: try options.store.path())
    try options.requireLog(log, apartFrom: [data, network.network], report: report)
    let data = try options.data(data)
    try data.description.requireFit(metric)
    let sweep = Sweep(
      network: try chosenNetwork(data), normalizations: sides, learningRate: rates, initialScale: scales,
      trials: trials,
      layout: grid ? .grid : .random, metric: metric, method: optimizer, batchSize: batchSize, steps: steps, seed: seed)
    let planned = try sides.flatMap { try sweep.trials(of: $0, on: data.description) }
    try data.requireFit(planned)
    let store = try RunStore(options.store.path())
    try store.warnOfUnfitRows()
    let runner = options.runner(store, data)
    let log = try runner.log(log, trials: Set(planned).count)
    var progress = TrialProgress(enabled: !options.quiet)
    StopSignals.trainingStarts()
    let results = try log.watched {
      try runner.run(planned, shouldStop: { StopSignals.haveCome }) {
        progress.show("sweep", $0.done, $0.total, $0.secondsLeft)
        log?.tell($0.results, secondsLeft: $0.secondsLeft)
      }
    }
    progress.clear()
    if let tensorboard {
      do { _ = try store.writeEvents(of: store.numbers(of: planned), below: tensorboard) } catch let error
        as EvenkeelError
        where error.code == .cannotWrite
      {
        warn(error.message)
      }
    }
    let outcome = try SweepOutcome(sweep, on: data.description, results: results)
    if let report {
      try Report(on: data.description, [outcome.report(on: data.description, command: commandLine)]).write(to: report)
    }
    try show(outcome, data.description)
  }

  /// The words that give the same sweep, whatever was left to its default.
  private var commandLine: String {
    var words = ["evenkeel sweep", data, "--learning-rate", learningRate, "--init-scale", initialScale]
    words += ["--normalization", normalization, "--trials", "\(trials)", "--steps", "\(steps)", "--seed", "\(seed)"]
    words += ["--optimizer", optimizer.rawValue, "--batch-size", "\(batchSize)"] + (grid ? ["--grid"] : [])
    for (name, value) in [
      ("--network", network.network), ("--hidden", network.hidden?.text),
      ("--activation", network.activation?.rawValue), ("--dropout", network.dropout.map { "\($0)" }),
      ("--metric", metric?.rawValue),
    ] {
      if let value { words += [name, value] }
    }
    words += options.dataWords.map(\.quotedForShell)
    return words.joined(separator: " ")
  }

  private func chosenNetwork(_ data: LaboratoryData) throws -> Network {
    if let file = network.network { return try NetworkOptions.named(file, for: data.training) }
    return network.multilayer(
      input: data.description.input.count, outputs: data.description.outputs, defaultUnits: [100, 100, 100])
  }

  private func show(_ outcome: SweepOutcome, _ data: DataDescription) throws {
    if options.json {
      for side in outcome.sides { try emitJSON(SideLine(side)) }
      return
    }
    let sweep = outcome.sweep
    try emit(
      "\(sweep.network.summary) on \(data.source), \(sweep.method.rawValue), batch \(sweep.batchSize), \(sweep.steps) steps, \(sweep.places.count) places"
    )
    let row = { (name: String, cells: [String]) in
      name.padded(to: 18) + cells.map { $0.alignedRight(in: 11) }.joined()
    }
    let percent = { NumberText.plain.percent($0, decimals: 1) }
    try emit(row("", ["best", "at rate", "at scale", "work", "diverge"]))
    for side in outcome.sides {
      let place = side.best.map { [$0.place.learningRate, $0.place.initialScale].map { NumberText.plain.short($0) } }
      try emit(
        row(
          side.normalization.name,
          [side.best.map { percent($0.score) } ?? "none"] + (place ?? ["", ""])
            + [percent(side.workingShare), percent(side.divergedShare)]))
    }
    let name = data.scoreName(of: sweep.metric)
    try emit(
      outcome.threshold.map {
        "A trial works if it reaches 95 % of the best \(name) of all and beats guessing: \(percent($0))."
      }
        ?? (data.aboveChance(of: sweep.metric) < 1
          ? "Nothing beat guessing, so no trial works: the best \(name) is below \(percent(data.aboveChance(of: sweep.metric)))."
          : "There are too few test examples to tell any trial from guessing.")
    )
  }
}

/// What a norm's trials came to in JSON.
private struct SideLine: Encodable {
  let normalization: String
  let trials: Int
  let best, learningRate, initialScale: Double?
  let working, diverged: Double

  init(_ side: SweepOutcome.SideOutcome) {
    (normalization, trials, best) = (side.normalization.name, side.scores.count, side.best?.score)
    (learningRate, initialScale) = (side.best?.place.learningRate, side.best?.place.initialScale)
    (working, diverged) = (side.workingShare, side.divergedShare)
  }
}
