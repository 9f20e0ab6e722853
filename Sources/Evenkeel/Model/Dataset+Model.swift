extension Dataset {
  /// The examples that a stored model is used on: the test part of data that has one, else all; one image or a folder of
  /// them; `-` is a CSV or NPY file on standard input.
  /// - Parameters:
  ///   - rows: Those of an SQLite database; nil: of its only table.
  ///   - targets: Whether they are needed.
  ///   - weights: Whether weights are wanted, as for all but predictions; a table without its column of them is a warning then.
  ///   - training: Takes the training part in place of the test part.
  ///   - skippingBroken: Leaves out damaged images, with a warning.
  package static func readForUse(
    _ path: String, rows: DatabaseRows? = nil, by model: Model, targets: Bool, weights: Bool = true,
    training: Bool = false, skippingBroken: Bool = false
  ) throws -> (dataset: Dataset, warnings: [String]) {
    var warnings: [String] = []
    let dataset = try readForUse(
      path, rows: rows, encoding: model.encoding, images: model.images, length: model.network.input.count,
      targets: targets,
      weights: weights, training: training, skippingBroken: skippingBroken, &warnings)
    return (dataset, warnings)
  }

  /// The same, of which a table of named columns comes part by part.
  /// - Parameter kept: The names of columns of a CSV file whose texts are wanted too.
  /// - Throws: As `readForUse`; `usage` for columns to keep of other data.
  package static func openForUse(
    _ path: String, rows: DatabaseRows? = nil, by model: Model, targets: Bool, weights: Bool = true,
    keeping kept: [String] = [],
    skippingBroken: Bool = false
  ) throws -> DataForUse {
    if let encoding = model.encoding, encoding.hasNamedColumns {
      switch try TableBlocks.open(path, rows: rows) {
      case .text(let blocks):
        return .parts(TableParts(blocks, encoding: encoding, targets: targets, weights: weights, keeping: kept))
      case .other(let bytes):
        try requireNone(kept, in: bytes.name)
        var warnings: [String] = []
        let dataset = try readForUse(
          bytes, from: path, encoding: encoding, images: model.images, length: model.network.input.count,
          targets: targets, weights: weights, training: false, skippingBroken: skippingBroken, &warnings)
        return .whole(dataset, warnings: warnings)
      }
    }
    try requireNone(kept, in: path)
    let (dataset, warnings) = try readForUse(
      path, rows: rows, by: model, targets: targets, weights: weights, skippingBroken: skippingBroken)
    return .whole(dataset, warnings: warnings)
  }

  private static func requireNone(_ kept: [String], in name: String) throws {
    guard !kept.isEmpty else { return }
    throw EvenkeelError.usage("\(name): it has no columns with names to keep; only a CSV file has.")
  }
}

/// Examples that a model is used on.
package enum DataForUse {
  case parts(TableParts)
  case whole(Dataset, warnings: [String])
}
