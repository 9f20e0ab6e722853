import Collectives

/// The ranks that `mpirun` or `srun` started, by MPI. All calls come from the thread that made it.
package final class MPICommunicator: Communicator, @unchecked Sendable {
  package let rank, size: Int
  package var state = RankState.apart {
    // Ranks that start wait for the last.
    didSet { if state == .together, oldValue == .apart { waited = .zero } }
  }
  fileprivate let handle: OpaquePointer
  private let clock = ContinuousClock()
  /// The time that exchanges took.
  private var waited = Duration.zero

  /// Whether this was built with MPI.
  package static var isAvailable: Bool { ek_has_mpi() }

  /// Joins the other ranks.
  /// - Throws: `EvenkeelError` with code `usage` in a build without MPI, and `unavailable` where MPI cannot be started.
  package init() throws {
    guard Self.isAvailable else {
      throw EvenkeelError.usage(
        "This build cannot train on several ranks; build it with the trait MPI (libopenmpi-dev, then swift build --traits MPI)."
      )
    }
    var made: OpaquePointer?
    guard ek_comm_start(&made) == EK_COMM_OK, let made else {
      throw EvenkeelError(.unavailable, String(cString: ek_comm_error(nil)))
    }
    handle = made
    (rank, size) = (Int(ek_comm_rank(made)), Int(ek_comm_size(made)))
  }

  /// After how many seconds without an answer an exchange fails.
  package func limitWaiting(to seconds: Double) { ek_comm_timeout(handle, seconds) }

  /// Lets other processes of this host run while it waits, where there are more threads than cores.
  package func yieldWhileWaiting() { ek_comm_yield(handle, true) }

  /// What exchanges have cost this rank.
  package var traffic: (exchanges: Int, bytes: Int, seconds: Double) {
    let traffic = ek_comm_traffic_of(handle)
    return (Int(traffic.exchanges), Int(traffic.bytes), waited / .seconds(1))
  }

  /// Leaves the ranks, when all do.
  package func end() { ek_comm_end(handle) }

  /// Ends all ranks at once, this one included.
  package func abort(_ status: Int32) { ek_comm_abort(handle, status) }

  package func name(of rank: Int) -> String { "Rank \(rank) (\(host(of: rank)))" }

  package func reduce(
    _ values: UnsafeMutableRawPointer, bytes: Int, starts: UnsafePointer<Int>, merge: Merge,
    context: UnsafeMutableRawPointer?, isForAll: Bool
  ) throws {
    _ = ek_tree_merge(values, 1, 1, bytes, starts[size], starts[rank], starts[rank + 1] - starts[rank], merge, context)
    try exchange {
      (isForAll ? ek_comm_reduce : ek_comm_reduce_held)(handle, values, 1, 1, bytes, starts, merge, context)
    }
  }

  package func sum(_ values: UnsafeMutablePointer<Float>, count: Int, stride: Int, starts: UnsafePointer<Int>) throws {
    _ = ek_tree_merge(
      values, stride, count, MemoryLayout<Float>.stride, starts[size], starts[rank], starts[rank + 1] - starts[rank],
      ek_merge_floats, nil)
    try exchange { ek_comm_sum(handle, values, stride, count, starts) }
  }

  package func gather(_ bytes: UnsafeMutableRawPointer, counts: UnsafePointer<Int>, starts: UnsafePointer<Int>) throws {
    try exchange { ek_comm_gather_all(handle, bytes + starts[rank], bytes, counts, starts) }
  }

  package func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) throws {
    try exchange { ek_comm_broadcast(handle, bytes.baseAddress, bytes.count, Int32(root)) }
  }

  package func agree(_ values: UnsafeMutableBufferPointer<Double>) throws {
    try exchange { ek_comm_agree(handle, values.baseAddress, values.count) }
  }

  /// - Throws: `EvenkeelError` with code `unavailable`, named for this rank.
  private func exchange(_ call: () -> ek_comm_status) throws {
    let started = clock.now
    let status = call()
    waited += clock.now - started
    guard status == EK_COMM_OK else {
      throw EvenkeelError(.unavailable, "\(name(of: rank)): \(String(cString: ek_comm_error(handle)))")
    }
  }
}

extension MPICommunicator {
  /// The ranks that share this one's processors: those of the same host that may run on the same ones. A launcher can give each some of
  /// its own.
  package func ranksOnTheseProcessors() throws -> Int {
    var sets = [Double](repeating: 0, count: size)
    sets[rank] = Double(Machine.processorSet)
    let counts = [Int](repeating: MemoryLayout<Double>.stride, count: size)
    let starts = (0..<size).map { $0 * MemoryLayout<Double>.stride }
    try sets.withUnsafeMutableBytes { try gather($0.baseAddress!, counts: counts, starts: starts) }
    return (0..<size).count { host(of: $0) == host(of: rank) && sets[$0] == sets[rank] }
  }

  private func host(of rank: Int) -> String { String(cString: ek_comm_host(handle, Int32(rank))) }
}
