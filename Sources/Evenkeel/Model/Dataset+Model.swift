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

  /// The same for each member of an ensemble, of which a table of named columns comes part by part.
  /// - Parameter kept: The names of columns of a CSV file whose texts are wanted too.
  /// - Throws: As `readForUse`; `usage` for columns to keep of other data.
  package static func openForUse(
    _ path: String, rows: DatabaseRows? = nil, by ensemble: ModelEnsemble, targets: Bool, weights: Bool = true,
    keeping kept: [String] = [], skippingBroken: Bool = false
  ) throws -> DataForUse {
    let encodings = ensemble.encodings.compactMap(\.self)
    if encodings.first?.hasNamedColumns == true {
      switch try TableBlocks.open(path, rows: rows) {
      case .text(let blocks):
        return .parts(
          TableParts(
            blocks, encodings: encodings, targets: targets, weights: weights, keeping: kept))
      case .other(let bytes):
        try requireNone(kept, in: bytes.name)
        var warnings: [String] = []
        let datasets = try ensemble.members.map { model in
          var own: [String] = []
          defer { if warnings.isEmpty { warnings = own } }
          return try readForUse(
            bytes, from: path, encoding: model.encoding, images: model.images,
            length: model.network.input.count,
            targets: targets, weights: weights, training: false, skippingBroken: skippingBroken,
            &own)
        }
        return .whole(datasets, warnings: warnings)
      }
    }
    try requireNone(kept, in: path)
    // What is no table is the same for all members.
    let (dataset, warnings) = try readForUse(
      path, rows: rows, by: ensemble.members[0], targets: targets, weights: weights,
      skippingBroken: skippingBroken)
    return .whole(Array(repeating: dataset, count: ensemble.members.count), warnings: warnings)
  }

  private static func requireNone(_ kept: [String], in name: String) throws {
    guard !kept.isEmpty else { return }
    throw EvenkeelError.usage("\(name): it has no columns with names to keep; only a CSV file has.")
  }
}

/// Examples that a model is used on.
package enum DataForUse {
  case parts(TableParts)
  /// The same examples as each member takes them.
  case whole([Dataset], warnings: [String])
}
