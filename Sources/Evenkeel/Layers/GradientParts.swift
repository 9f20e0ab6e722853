/// How the gradient of a layer's weights is summed over a batch: whether each slice leaves a part of it, and the parts are merged. It
/// follows from shapes alone, so that it is the same on any number of ranks.
enum GradientParts {
  /// While what a slice has at hand is still in the cache. Not where the parts of many weights would take more memory than the images
  /// themselves.
  /// - Parameter count: The floats of a part.
  static func payInConvolutions(count: Int, site: LayerSite) -> Bool {
    site.purpose == .training && count <= site.maximumSlice * (site.input.count + site.output.count)
  }

  /// Only in large batches, whose rows ranks would bring to each of them: in others one product over all rows is as fast or faster.
  /// - Parameter count: The floats of a part.
  static func payInDenseLayers(count: Int, site: LayerSite) -> Bool {
    let values = site.input.count + site.output.count
    return site.purpose == .training && site.maximumRows * values >= manyValues
      && count <= max(site.maximumSlice, fewestRows) * values
  }

  /// Inputs and outputs of all rows.
  private static let manyValues = 1 << 17
  /// What fewer rows of a slice count as: those are of images, in whose networks dense layers cost little.
  private static let fewestRows = 32

  /// The floats of a bias's part, which lies before that of the weights.
  static func biasCount(outputs: Int) -> Int { (outputs + 15) / 16 * 16 }
}
