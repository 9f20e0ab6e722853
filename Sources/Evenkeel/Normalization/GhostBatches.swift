extension BatchNorm {
  /// The parts of `rows` examples that have statistics of their own: ghost batches, or all as one.
  func parts(of rows: Int) -> Parts {
    ghostBatch.map { Parts(rows: rows, about: $0) } ?? Parts(rows: rows, largest: .max)
  }
}

extension Network {
  /// - Parameter whole: What has `rows` examples: a batch, or a part of one that has statistics of its own.
  /// - Throws: `EvenkeelError` with code `usage` that names a norm whose ghost batches are larger than that.
  func requireGhostBatches(in rows: Int, of whole: String) throws {
    try walk { layer, name, _ in
      guard let size = (layer as? BatchNorm)?.ghostBatch, size > rows else { return }
      throw EvenkeelError.usage(
        "Layer \(name) (batchNorm): ghostBatch is \(size); expected at most the \(rows) examples of a \(whole).")
    }
  }
}
