import ArgumentParser
import Evenkeel

/// What several processes do differently in one training.
struct TrainingRankOptions: ParsableArguments {
  @Flag(
    help:
      "With mpirun: DATA names a file of each rank, with {rank} in place of its number, as part-{rank}.csv; the rows of all are the table."
  )
  var shardFiles = false
  @Option(
    help:
      "With mpirun: whose rows batch norms take statistics of: all (the default), none (each rank's own) or groups:N (those of N ranks).",
    transform: StatisticsSharing.init)
  var sync = StatisticsSharing.all

  /// Makes sure of the options before data is read.
  /// - Throws: `EvenkeelError` with code `usage` for options that the ranks do not allow.
  func requireFit() throws { _ = try (sharding(), groups()) }

  /// The ranks that have a file of DATA each; nil where it is the same for all.
  /// - Throws: `EvenkeelError` with code `usage` for a process alone.
  func sharding() throws -> (any Communicator)? {
    guard shardFiles else { return nil }
    guard let communicator = Ranks.communicator else {
      throw EvenkeelError(.usage, "--shard-files is for several ranks, which mpirun starts.")
    }
    return communicator
  }

  /// Into how many groups of ranks batch norms part a batch; nil for the whole batch.
  /// - Throws: `EvenkeelError` with code `usage` for a size of groups that does not divide the ranks.
  func groups() throws -> Int? {
    guard let size = sync.ranks else { return nil }
    guard let ranks = Ranks.communicator?.size else {
      throw EvenkeelError(.usage, "--sync is for several ranks, which mpirun starts.")
    }
    guard ranks % size == 0 else {
      throw EvenkeelError(.usage, "--sync \(sync.text): \(ranks) ranks cannot be parted into groups of \(size).")
    }
    return ranks > size ? ranks / size : nil
  }
}

/// A value of `--sync`.
struct StatisticsSharing {
  static let all = StatisticsSharing(text: "all", ranks: nil)

  let text: String
  /// The ranks whose rows have common statistics; nil for all.
  let ranks: Int?

  private init(text: String, ranks: Int?) { (self.text, self.ranks) = (text, ranks) }

  /// - Throws: `EvenkeelError` with code `usage` for a value that is none.
  init(_ text: String) throws {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    switch (parts[0], parts.count == 2 ? Int(parts[1]) : nil) {
    case ("all", nil) where parts.count == 1: self = .all
    case ("none", nil) where parts.count == 1: self.init(text: text, ranks: 1)
    case ("groups", let number?) where number > 0: self.init(text: text, ranks: number)
    default: throw EvenkeelError(.usage, "expected all, none or groups:N with a number of ranks.")
    }
  }
}
