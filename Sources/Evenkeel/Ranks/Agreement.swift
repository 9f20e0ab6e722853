import FoundationEssentials

/// What ranks compare before they work together.
protocol RankComparable: Codable {
  /// A sentence about the first thing in which `other`, that of rank 0, differs; nil if nothing does.
  func difference(from other: Self) -> String?
}

/// Data that ranks must have in common.
private struct DataDescription: RankComparable {
  let purpose: String
  let fingerprint: String

  func difference(from other: Self) -> String? {
    fingerprint == other.fingerprint ? nil : "its \(purpose) data differs from that of rank 0."
  }
}

/// The command that ranks must run together.
private struct CommandDescription: RankComparable {
  let name: String

  func difference(from other: Self) -> String? {
    name == other.name ? nil : "it runs \(name), rank 0 \(other.name)."
  }
}

/// What all ranks decide together, so that none waits for one that has gone on or stopped.
package struct Agreement {
  let communicator: any Communicator

  package init(among communicator: any Communicator) { self.communicator = communicator }

  /// Tells all ranks what went wrong on some, and whether some want to stop.
  /// - Parameter failure: What went wrong on this rank alone; nil if nothing did.
  /// - Returns: Whether any rank wants to stop.
  /// - Throws: On all ranks the failure of the first rank that has one, which it names.
  @discardableResult
  package func settle(_ failure: (any Error)?, stops: Bool = false) throws -> Bool {
    // The first rank that failed is that with the largest number from the end.
    let own = failure == nil ? 0 : Double(communicator.size - communicator.rank)
    let (first, stop) = try withUnsafeTemporaryAllocation(of: Double.self, capacity: 2) { values in
      (values[0], values[1]) = (own, stops ? 1 : 0)
      try communicator.agree(values)
      return (values[0], values[1])
    }
    guard first > 0 else { return stop > 0 }
    communicator.state = .ended
    throw try told(failure, by: communicator.size - Int(first))
  }

  /// Makes sure that all ranks are about to do the same.
  /// - Throws: On all ranks the same `EvenkeelError`, which names the first rank that would not.
  func require<Description: RankComparable>(_ description: Description) throws {
    // One that could not read the data says so here.
    try settle(nil)
    var text = communicator.rank == 0 ? try JSONEncoder().encode(description) : Data()
    let count = try communicator.largest(Double(text.count))
    if communicator.rank > 0 { text = Data(count: Int(count)) }
    try text.withUnsafeMutableBytes { try communicator.broadcast($0, from: 0) }
    let first = try JSONDecoder().decode(Description.self, from: text)
    try settle(description.difference(from: first).map { EvenkeelError.usage($0) })
  }

  /// Makes sure that all ranks run the same command.
  /// - Throws: As above.
  package func requireSame(command name: String) throws { try require(CommandDescription(name: name)) }

  /// Makes sure that all ranks have the same data for `purpose`.
  /// - Throws: As above.
  package func requireSame(_ fingerprint: String, of purpose: String) throws {
    try require(DataDescription(purpose: purpose, fingerprint: fingerprint))
  }

  /// The failure of `rank`, as it says it.
  private func told(_ failure: (any Error)?, by rank: Int) throws -> EvenkeelError {
    let own = failure.map { $0 as? EvenkeelError ?? EvenkeelError(.internal, "\($0)") }
    var bytes = [UInt8](repeating: 0, count: Self.longest)
    if rank == communicator.rank, let own {
      let text = "\(own.code.rawValue) \(own.message)".utf8
      bytes.replaceSubrange(0..<min(text.count, Self.longest), with: text.prefix(Self.longest))
    }
    try bytes.withUnsafeMutableBytes { try communicator.broadcast($0, from: rank) }
    let words = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self).split(separator: " ", maxSplits: 1)
    let message = words.count > 1 ? String(words[1]) : ""
    // It may be about what another rank has.
    let isNamed = (0..<communicator.size).contains { message.hasPrefix(communicator.name(of: $0) + ":") }
    return EvenkeelError(
      Int32(words[0]).flatMap { EvenkeelError.Code(rawValue: $0) } ?? .internal,
      isNamed ? message : "\(communicator.name(of: rank)): \(message)")
  }

  private static let longest = 4096
}
