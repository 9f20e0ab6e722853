extension Dataset {
  /// The examples that a stored model is used on: the test part of data that has one, else all; one image or a folder of
  /// them; `-` is a CSV or NPY file on standard input.
  /// - Parameters:
  ///   - targets: Whether they are needed.
  ///   - weights: Whether weights are wanted, as for all but predictions; a table without its column of them is a warning then.
  ///   - training: Takes the training part in place of the test part.
  ///   - skippingBroken: Leaves out damaged images, with a warning.
  package static func readForUse(
    _ path: String, by model: Model, targets: Bool, weights: Bool = true, training: Bool = false,
    skippingBroken: Bool = false
  ) throws -> (dataset: Dataset, warnings: [String]) {
    var warnings: [String] = []
    let dataset = try readForUse(
      path, encoding: model.encoding, images: model.images, length: model.network.input.count, targets: targets,
      weights: weights, training: training, skippingBroken: skippingBroken, &warnings)
    return (dataset, warnings)
  }
}
