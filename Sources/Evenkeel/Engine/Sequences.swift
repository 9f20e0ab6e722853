/// The number of valid positions of a value, for each number of valid positions of the network's input `[L, C]`.
struct SequenceLengths {
  /// The value's positions; nil if it is no longer a sequence.
  let positions: Int?
  /// By the length of the input, 0 to L; or the sentence that says which layer cannot work on shorter sequences.
  let table: Result<[Int32], EvenkeelError>

  /// The input itself.
  init(_ input: Shape) {
    positions = input.rank == 2 ? input.dimensions[0] : nil
    table =
      input.rank == 2
      ? .success((0...Int32(input.dimensions[0])).map { $0 })
      : .failure(.data("The network's input has the shape \(input); lengths go with [length, channels]."))
  }

  private init(positions: Int?, table: Result<[Int32], EvenkeelError>) {
    self.positions = positions
    self.table = table
  }

  /// The lengths after `layer`.
  func after(_ layer: any Layer, _ site: LayerSite) -> Self {
    let next = site.output.rank == 2 ? site.output.dimensions[0] : nil
    guard site.input.rank == 2, case .success(let lengths) = table else { return Self(positions: next, table: table) }
    let following = lengths.compactMap { layer.outputLength(of: Int($0), for: site.input).map { Int32($0) } }
    guard following.count == lengths.count else {
      return Self(
        positions: next,
        table: .failure(
          .usage("Layer \(site.name) (\(type(of: layer).kind)) cannot work on sequences of lengths of their own.")))
    }
    return Self(positions: next, table: .success(following))
  }

  /// The lengths of the sum with another value.
  func added(to other: Self, _ name: String) -> Self {
    guard case .success(let own) = table else { return self }
    guard case .success(let others) = other.table else { return other }
    guard own == others else {
      return Self(
        positions: positions,
        table: .failure(.usage("Layer \(name) (residual): its block and its shortcut give sequences of other lengths."))
      )
    }
    return self
  }
}

/// The lengths of the examples of a batch, in every value of a program.
final class Sequences {
  private let values: [SequenceLengths]
  private let rows: Int
  /// `rows` lengths per value; empty until the first batch with lengths.
  private var lengths: UnsafeMutablePointer<Int32>?

  init(_ values: [SequenceLengths], rows: Int) {
    self.values = values
    self.rows = rows
  }

  deinit { lengths?.deallocate() }

  /// - Throws: `EvenkeelError` that names a layer that does not support sequences of different lengths.
  func take(_ batch: BatchWeights, rows count: Int) throws {
    let start = lengths ?? .allocate(capacity: values.count * rows)
    lengths = start
    for (value, sequence) in values.enumerated() {
      let table = try sequence.table.get()
      for row in 0..<count { start[value * rows + row] = table[Int(batch.lengths![row])] }
    }
  }

  func positions(ofValue value: Int) -> Int? { values[value].positions }

  func lengths(ofValue value: Int) -> UnsafePointer<Int32> { UnsafePointer(lengths! + value * rows) }
}
