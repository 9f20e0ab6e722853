import Evenkeel
import Glibc

/// The processes that `mpirun` or `srun` started for one command. The first of them prints and writes, for all.
enum Ranks {
  /// nil for a process alone.
  nonisolated(unsafe) private(set) static var communicator: MPICommunicator?
  static var isFirst: Bool { communicator?.rank ?? 0 == 0 }
  /// The threads of this process if there are others: its share of the processors, unless an option says how many.
  nonisolated(unsafe) private(set) static var threads: Int?

  /// The first number that the launcher left under one of these names.
  private static func number(_ names: [String]) -> Int? {
    names.lazy.compactMap { getenv($0).flatMap { Int(String(cString: $0)) } }.first
  }

  /// Whether a launcher started several processes; nil if it does not say how many.
  private static var areLaunched: Bool? {
    if let size = number(["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"]) { return size > 1 }
    return getenv("PMIX_RANK") == nil ? false : nil
  }

  /// Leaves what there is to say to the first process.
  static func silenceOthers() {
    if let rank = number(["OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK"]), rank > 0 { keepSilent() }
  }

  /// Joins the other processes, if there are any.
  /// - Parameters:
  ///   - timeout: The seconds after which one that does not answer ends all.
  ///   - chosen: The threads of each process; nil for its share.
  /// - Throws: `EvenkeelError` with code `usage` for several processes of a build without MPI.
  static func join(timeout: Double, threads chosen: Int?) throws {
    guard areLaunched != false else { return }
    let joined = try MPICommunicator()
    joined.limitWaiting(to: timeout)
    communicator = joined
    keepSilent(!isFirst)
    let sharing = try joined.ranksOnTheseProcessors()
    let count = chosen ?? max(1, Machine.threads / sharing)
    if sharing * count > Machine.threads { joined.yieldWhileWaiting() }
    threads = count
    try Agreement(among: joined).requireSame(command: givenArguments().first ?? "")
  }

  /// - Throws: `EvenkeelError` with code `usage` for a command that does not work over processes, where there are several: each would do the
  ///   same.
  static func requireNone(for command: String) throws {
    guard areLaunched == true else { return }
    throw EvenkeelError(
      .usage, "\(command) runs in one process; train, evaluate, predict and recalibrate work on several ranks.")
  }

  /// Makes sure that all have the same model and data.
  /// - Throws: On all ranks the same `EvenkeelError`, which names the first one that has not.
  static func require(_ model: ModelEnsemble, on data: DataForUse) throws {
    if let communicator { try Agreement(among: communicator).require(model, on: data) }
  }

  /// Makes sure that all have the same data for `purpose`.
  /// - Throws: As above.
  static func requireSame(_ data: Dataset, _ purpose: String) throws {
    if let communicator { try Agreement(among: communicator).requireSame(data.fingerprint, of: purpose) }
  }

  /// What exchanges have cost the first rank in a training of so many seconds; nil without other ranks.
  static func costs(in seconds: Double) -> String? {
    communicator.map {
      let share = NumberText.plain.percent($0.traffic.seconds / max(seconds, .leastNormalMagnitude), decimals: 1)
      let sent = NumberText.plain.fixed(Double($0.traffic.bytes) / 1e6, decimals: 1)
      return "\($0.size) ranks: exchanges took \(share) of the time, the first rank sent \(sent) MB"
    }
  }

  /// Leaves together with the others, which may have failed meanwhile.
  static func leave() throws {
    guard let communicator else { return }
    try Agreement(among: communicator).settle(nil)
    communicator.end()
  }

  /// Prints an error and leaves: with all others, if they can hear of it, or by ending them.
  static func leave(for error: EvenkeelError) {
    guard let communicator else { return complain(error.message) }
    var error = error
    if communicator.state == .apart, error.code != .unavailable {
      do { try Agreement(among: communicator).settle(error) } catch let agreed as EvenkeelError { error = agreed } catch
      {}
    }
    if communicator.state == .ended {
      // Before the others have left: the launcher ends this one as soon as one of them has.
      if isFirst { complain(error.message) }
      return communicator.end()
    }
    // All may have met the same; the first of them says so, and ends the others.
    if !isFirst { usleep(500_000) }
    keepSilent(false)
    let name = communicator.name(of: communicator.rank)
    complain(error.message.hasPrefix(name) ? error.message : "\(name): \(error.message)")
    communicator.abort(error.code.rawValue)
  }
}
