/// The features that a layer turns into vectors, and those that it passes on.
package struct ChosenFeatures {
  package let chosen, rest: [Int]

  /// - Parameters:
  ///   - features: The chosen ones; nil for all.
  ///   - kind: The layer's, for errors.
  /// - Throws: `EvenkeelError` with code `usage` for an input that is no row of features, and for a feature that it lacks or that is
  ///   listed twice.
  package init(_ features: [Int]?, of input: Shape, kind: String) throws {
    guard input.rank == 1, input.count > 0 else {
      throw EvenkeelError.usage(
        "\(kind): expected an input of shape [features], got \(input); put a flatten before it.")
    }
    let chosen = features ?? Array(0..<input.count)
    if let missing = chosen.first(where: { !(0..<input.count).contains($0) }) {
      throw EvenkeelError.usage("\(kind): features has \(missing); expected 0 to \(input.count - 1).")
    }
    let known = Set(chosen)
    guard !chosen.isEmpty, known.count == chosen.count else {
      throw EvenkeelError.usage("\(kind): features are \(chosen); expected at least one, each once.")
    }
    self.chosen = chosen
    rest = (0..<input.count).filter { !known.contains($0) }
  }
}

/// Numbers that stay where they are, for kernels.
final class FixedIndices: @unchecked Sendable {
  let start: UnsafeMutablePointer<Int>
  let count: Int

  init(_ values: [Int]) {
    count = values.count
    start = .allocate(capacity: max(count, 1))
    start.initialize(from: values, count: count)
  }

  deinit { start.deallocate() }
}
