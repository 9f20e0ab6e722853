import Glibc

extension Dataset {
  /// The number of examples that `block` copies at once, about a megabyte of them.
  var examplesOfBlock: Int { max(1, min(count, (1 << 20) / examples.rowSize)) }

  /// The examples of `range` copied to `memory`, each with the features `positions` of the one that `donors` names for it.
  /// - Parameters:
  ///   - donors: For each example of the set another one, by its place in the set.
  ///   - memory: Room for `range` as the rows are stored.
  /// - Throws: As `ExampleStorage.requireUnchanged`.
  func block(
    _ range: Range<Int>, taking positions: Range<Int>, from donors: [Int], into memory: AlignedFloats
  ) throws -> Dataset {
    let copy = try examples.reading {
      examples.copy(rows[range], taking: positions, from: donors[range].lazy.map { rows[$0] }, into: memory)
    }
    var block = Dataset(shape: shape, examples: copy, targets: targets.subset(Array(range)), encoding: encoding)
    block.weights = weights.map { Array($0[range]) }
    return block
  }
}

extension ExampleStorage {
  /// The bytes of a row as it is stored.
  var rowSize: Int { (width + (skippedColumn == nil ? 0 : 1)) * element.size }

  /// Copies `rows` to `memory`, the values at `positions` from `donors` in place of their own.
  fileprivate func copy(
    _ rows: ArraySlice<Int32>, taking positions: Range<Int>, from donors: some Sequence<Int32>,
    into memory: AlignedFloats
  ) -> ExampleStorage {
    precondition(rows.count * rowSize <= memory.count * MemoryLayout<Float>.stride)
    let start = UnsafeMutableRawPointer(memory.start)
    let stretches = stored(positions)
    for ((place, row), donor) in zip(rows.enumerated(), donors) {
      let target = start + place * rowSize
      memcpy(target, base + Int(row) * rowSize, rowSize)
      for bytes in stretches {
        memcpy(target + bytes.lowerBound, base + Int(donor) * rowSize + bytes.lowerBound, bytes.count)
      }
    }
    return ExampleStorage(
      owner: memory, base: UnsafeRawPointer(start), element: element, count: rows.count,
      storedWidth: rowSize / element.size, skippedColumn: skippedColumn)
  }

  /// Which bytes of a stored row hold the values at `positions`.
  private func stored(_ positions: Range<Int>) -> [Range<Int>] {
    func bytes(_ columns: Range<Int>) -> Range<Int> {
      columns.lowerBound * element.size..<columns.upperBound * element.size
    }
    guard let skippedColumn else { return [bytes(positions)] }
    let after = positions.clamped(to: skippedColumn..<width)
    return [
      bytes(positions.clamped(to: 0..<skippedColumn)), bytes(after.lowerBound + 1..<after.upperBound + 1),
    ]
  }
}
