import ArgumentParser
import Evenkeel
import EvenkeelLab
import Glibc

/// What sweeps and claims have in common: where data comes from and runs are kept.
struct LaboratoryOptions: ParsableArguments {
  @Option(help: "The column to predict, as for train.") var target: String?
  @Option(help: "The file that keeps every run; made where there is none.") var store = "evenkeel.sqlite"
  @Option(help: "Trials at a time, a thread each; all processors by default.") var threads: Int?
  @Flag(help: "One JSON object a line.") var json = false
  @Flag(help: "No progress.") var quiet = false

  /// Not `validate`, whose errors the parser of arguments would wrap.
  func check() throws {
    try requireName(store)
    if let threads, threads < 1 { throw EvenkeelError(.usage, "--threads is \(threads); expected at least 1.") }
  }

  func runner(_ store: RunStore, _ data: LaboratoryData) -> TrialRunner {
    TrialRunner(store: store, data: data, threads: min(threads ?? Machine.threads, 8 * Machine.threads))
  }

  func data(_ source: String) throws -> LaboratoryData {
    let data = try LaboratoryData(source, target: target)
    for warning in data.warnings { complain("warning: \(warning)") }
    return data
  }
}

/// - Throws: `EvenkeelError` with code `usage` for a store without a name, which SQLite would keep nowhere.
func requireName(_ store: String) throws {
  guard !store.isEmpty else { throw EvenkeelError(.usage, "--store is empty; expected the name of a file.") }
}

struct SweepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Tries learning rates and initial scales with batch normalization and without, at the same places.")
  @Argument(help: "digits (drawn by the program), or data as for train.") var data = "digits"
  @Option(help: "The step sizes, as 1e-4..10 or one number.") var learningRate = "1e-4..10"
  @Option(
    name: .customLong("init-scale"),
    help: "What the weights are multiplied with at the start, as 0.01..10 or one number.") var initialScale =
    "0.01..10"
  @Option(help: "The sides, with commas between: batch, layer, group, group:N, instance, rms, ghost:N, renorm, none.")
  var normalization = "batch,none"
  @Option(help: "Trials in all, shared among the sides.") var trials = 200
  @Flag(help: "Places in rows and columns; by default they are quasi-random.") var grid = false
  @Option(help: "A network file with batch norms, or one that ships with the program.") var network: String?
  @Option(help: "The units of each hidden layer; 100,100,100 by default.") var hidden: String?
  @Option(help: "The hidden layers' activation; relu by default.") var activation: String?
  @Option(help: "One of \(Optimizer.Name.list).") var optimizer = "sgd"
  @Option(help: "Examples in a mini-batch.") var batchSize = 60
  @Option(help: "Steps of a trial.") var steps = 2_000
  @Option(help: "Seed of places, starts and orders.") var seed: UInt64 = 1
  @Option(help: "A report with the heat maps, an HTML file.") var report: String?
  @OptionGroup var options: LaboratoryOptions

  func run() throws {
    StopSignals.watch()
    guard batchSize > 0 else { throw EvenkeelError(.usage, "--batch-size is \(batchSize); expected at least 1.") }
    for (name, value, most) in [("--trials", trials, Sweep.mostTrials), ("--steps", steps, Trial.mostSteps)]
    where !(1...most).contains(value) {
      throw EvenkeelError(.usage, "\(name) is \(value); expected 1 to \(most).")
    }
    try options.check()
    if network != nil, hidden != nil || activation != nil {
      throw EvenkeelError(.usage, "--hidden and --activation describe a network, and so does --network; leave one out.")
    }
    let rates = try LogarithmicRange(learningRate, name: "--learning-rate")
    let scales = try LogarithmicRange(initialScale, name: "--init-scale")
    guard let method = Trial.Method(rawValue: optimizer) else {
      throw EvenkeelError(.usage, "--optimizer is \"\(optimizer)\"; expected \(Optimizer.Name.list).")
    }
    var sides: [String] = []
    for side in normalization.split(separator: ",", omittingEmptySubsequences: false).map({ String($0) }) {
      guard !sides.contains(side) else { throw EvenkeelError(.usage, "--normalization names \(side) twice.") }
      sides.append(side)
    }
    guard trials >= sides.count else {
      throw EvenkeelError(.usage, "--trials is \(trials); expected at least \(sides.count), one a side.")
    }
    try requireOutput(report)
    try requireApart(report, from: [data, network], store: options.store)
    let data = try options.data(data)
    let sweep = Sweep(
      network: try chosenNetwork(data), normalizations: sides, learningRate: rates, initialScale: scales,
      trials: trials,
      layout: grid ? .grid : .random, method: method, batchSize: batchSize, steps: steps, seed: seed)
    let planned = try sides.flatMap { try sweep.trials(of: $0, on: data.description) }
    try data.requireFit(planned)
    let store = try RunStore(options.store)
    try warnOfUnfitRows(in: store)
    var progress = TrialProgress(enabled: !options.quiet)
    StopSignals.trainingStarts()
    let results = try options.runner(store, data).run(planned, shouldStop: { StopSignals.haveCome }) {
      progress.show("sweep", $0.done, $0.total, $0.secondsLeft)
    }
    progress.clear()
    let outcome = try SweepOutcome(sweep, on: data.description, results: results)
    if let report {
      try page([outcome.report(on: data.description, command: commandLine)], data.description).write(to: report)
    }
    try show(outcome, data.description)
  }

  /// The words that give the same sweep, whatever was left to its default.
  private var commandLine: String {
    var words = ["evenkeel sweep", data, "--learning-rate", learningRate, "--init-scale", initialScale]
    words += ["--normalization", normalization, "--trials", "\(trials)", "--steps", "\(steps)", "--seed", "\(seed)"]
    words += ["--optimizer", optimizer, "--batch-size", "\(batchSize)"] + (grid ? ["--grid"] : [])
    for (name, value) in [
      ("--network", network), ("--hidden", hidden), ("--activation", activation), ("--target", options.target),
    ] {
      if let value { words += [name, value] }
    }
    return words.joined(separator: " ")
  }

  private func chosenNetwork(_ data: LaboratoryData) throws -> Network {
    if let network { return try named(network, for: data.training) }
    let hidden = hidden ?? "100,100,100"
    let units = hidden.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard units.allSatisfy({ ($0 ?? 0) > 0 }) else {
      throw EvenkeelError(.usage, "--hidden is \"\(hidden)\"; expected numbers above 0, as in 100,100,100.")
    }
    return try Network.multilayer(
      input: data.description.input.count, hidden: units.map { $0! }, outputs: data.description.outputs,
      activation: activation ?? "relu")
  }

  private func show(_ outcome: SweepOutcome, _ data: DataDescription) throws {
    if options.json {
      for side in outcome.sides {
        try emit(
          jsonObject([
            ("normalization", jsonText(side.normalization)), ("trials", "\(side.scores.count)"),
            ("best", jsonNumber(side.best?.score)), ("learningRate", jsonNumber(side.best?.place.learningRate)),
            ("initialScale", jsonNumber(side.best?.place.initialScale)), ("working", jsonNumber(side.workingShare)),
            ("diverged", jsonNumber(side.divergedShare)),
          ]))
      }
      return
    }
    try emit(
      "\(outcome.sweep.network.summary) on \(data.source), \(outcome.sweep.method.rawValue), batch \(outcome.sweep.batchSize), \(outcome.sweep.steps) steps, \(outcome.sweep.places.count) places"
    )
    try emit(row(["", "best", "at rate", "at scale", "work", "diverge"]))
    for side in outcome.sides {
      try emit(
        row([
          side.normalization, side.best.map { percent($0.score) } ?? "none",
          side.best.map { compact($0.place.learningRate) } ?? "",
          side.best.map { compact($0.place.initialScale) } ?? "",
          percent(side.workingShare), percent(side.divergedShare),
        ]))
    }
    try emit(
      outcome.threshold.map {
        "A trial works if it reaches 95 % of the best \(data.scoreName) of all and beats guessing: \(percent($0))."
      } ?? "Nothing beat guessing, so no trial works: the best \(data.scoreName) is below \(percent(data.aboveChance))."
    )
  }

  private func row(_ cells: [String]) -> String {
    cells.enumerated().map { index, cell in
      let gap = String(repeating: " ", count: max(1, (index == 0 ? 18 : 11) - cell.count))
      return index == 0 ? cell + gap : gap + cell
    }.joined()
  }
}

/// A share in percent, a digit behind the point.
func percent(_ share: Double) -> String { fixed(100 * share, 1) + " %" }
