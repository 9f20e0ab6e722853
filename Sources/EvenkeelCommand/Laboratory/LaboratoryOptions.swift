import ArgumentParser
import Evenkeel
import EvenkeelLab
import Glibc

/// The file that keeps every run.
struct StoreOption: ParsableArguments {
  @Option(help: "The file that keeps the runs; sweep and lab run create it.") private var store = "evenkeel.sqlite"

  /// - Throws: `EvenkeelError` with code `usage` for a store without a name, which SQLite would keep nowhere.
  func path() throws -> String {
    guard !store.isEmpty else { throw EvenkeelError(.usage, "--store is empty; expected the name of a file.") }
    return store
  }

  /// A store that must exist: looking at runs creates no file.
  /// - Throws: `EvenkeelError` with code `noInput`.
  func existing() throws -> RunStore {
    let path = try path()
    guard access(path, F_OK) == 0 else {
      throw EvenkeelError(.noInput, "\(path): there is no such store; evenkeel lab run and evenkeel sweep create one.")
    }
    return try RunStore(reading: path)
  }
}

/// What sweeps and claims have in common: where data comes from and where runs are kept.
struct LaboratoryOptions: ParsableArguments {
  @OptionGroup var columns: TableColumnOptions
  @OptionGroup var database: DatabaseOptions
  @OptionGroup var store: StoreOption
  @Option(help: "Trials at a time, a thread each; one per processor by default.") private var threads: Int?
  @Flag(help: "Print one JSON object per line.") var json = false
  @Flag(help: "Print no progress.") var quiet = false

  /// - Throws: `EvenkeelError` with code `usage`. (Errors of `validate` come out of the parser in its own words.)
  func check() throws {
    _ = try store.path()
    if let threads, threads < 1 { throw EvenkeelError(.usage, "--threads is \(threads); expected at least 1.") }
  }

  /// - Throws: `EvenkeelError` with code `usage` for a log in the place of what the command reads or writes.
  func requireLog(_ log: String?, apartFrom inputs: [String?], report: String?) throws {
    try requireApart(log, from: inputs, store: try store.path(), as: "the log")
    guard let log, let report, AtomicFile.place(log) == AtomicFile.place(report) else { return }
    throw EvenkeelError(.usage, "\(log) cannot be the log and the report; choose another file.")
  }

  func runner(_ store: RunStore, _ data: LaboratoryData) -> TrialRunner {
    TrialRunner(store: store, data: data, threads: min(threads ?? Machine.threads, 8 * Machine.threads))
  }

  func data(_ source: String, for use: LaboratoryData.Use = .experiments) throws -> LaboratoryData {
    let (options, ignored) = try columns.options(
      loss: nil, mostOneHot: use == .search ? TableRecipe.mostOneHot : nil)
    let reading = DataReading(
      rows: try database.rows(), target: columns.target, weight: columns.weight, ignoring: ignored, options: options)
    let data = try LaboratoryData(source, reading, for: use)
    warn(data.warnings)
    return data
  }
}

extension TrialRunner {
  /// The log of --log; nil without.
  /// - Throws: `EvenkeelError` with code `usage` for a file that is not a log.
  func log(_ path: String?, trials: Int) throws -> TrialLog? {
    guard let path else { return nil }
    let counts = data.description
    let sentence =
      "\(counts.source): \(counts.trainingCount) examples to train on, \(counts.validationCount) to search settings on, \(counts.testCount) to judge on"
    return try TrialLog(
      path, of: store, trials: trials, data: [sentence], command: givenCommand(), threads: threads, warn: { warn($0) })
  }
}

extension TrialLog? {
  /// Runs `body`, which runs trials, and tells how it ended if there is a log.
  func watched<Result>(
    remaining: (Result) throws -> String? = { _ in nil }, _ body: () throws -> Result
  ) throws -> Result {
    if let self { try self.watched(remaining: remaining, body) } else { try body() }
  }
}

extension LaboratoryOptions {
  /// The options that say how DATA is read, as words of a command.
  var dataWords: [String] { columns.words + database.words }
}

extension RunStore {
  /// Names the rows of the store that had to be set aside; without them it can be worked with.
  func warnOfUnfitRows() throws {
    do { try requireFit() } catch let error as EvenkeelError where error.code == .data { warn(error.message) }
  }
}
