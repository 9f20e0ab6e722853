import ArgumentParser
import Evenkeel

/// A command that several processes share: it calls `RankOptions.join`.
protocol SharedCommand: ParsableCommand {}

/// How a command works with the other processes that `mpirun` or `srun` started.
struct RankOptions: ParsableArguments {
  @Option(help: "With mpirun: the seconds after which a rank that does not answer ends all; 0: never.")
  var collectiveTimeout = 600.0

  /// Joins the other ranks, if there are any.
  /// - Parameters:
  ///   - data: DATA, which all ranks read.
  ///   - threads: The threads of each rank; nil for its share.
  /// - Throws: `EvenkeelError` with code `usage` for standard input, and as `Ranks.join`.
  func join(reading data: String, threads: Int? = nil) throws {
    try Ranks.join(timeout: collectiveTimeout, threads: threads)
    guard data == "-", Ranks.communicator != nil else { return }
    throw EvenkeelError(.usage, "Standard input reaches one rank only; give all a file.")
  }
}
