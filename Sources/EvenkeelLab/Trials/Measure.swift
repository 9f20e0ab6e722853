/// What a probe measures; raw values are the names in stored results.
package enum Measure: String, Codable, CodingKeyRepresentable, Sendable {
  // `Probe.statistics`: scores with other statistics than running averages.
  /// With exact statistics of a thousand training examples.
  case recalibrated
  /// With the statistics of each batch of 60 test examples.
  case batchOf60 = "batch of 60"
  /// With the statistics of each batch of 2 test examples.
  case batchOf2 = "batch of 2"

  // `Probe.inputs`.
  /// The 15th, 50th and 85th percentile of a typical unit's input.
  case low, median, high
  /// The share of all inputs in a sigmoid's linear part.
  case linearPart = "linear part"
  /// How far the percentiles of all units moved since the evaluation before, in units of their spread.
  case movement

  // `Probe.landscape`, along the gradient.
  /// The largest loss less the least.
  case lossRange = "loss range"
  /// The largest change of the gradient.
  case gradientChange = "gradient change"
  /// The effective smoothness constant.
  case smoothness

  // `Probe.biases`, as root mean squares.
  /// Of all biases but the output layer's.
  case biases
  /// How far weights have come from where they started.
  case weightsChange = "weights' change"

  // `Probe.curvature`.
  /// The leading eigenvalues of the Hessian.
  case eigenvalues
  /// The first eigenvalue over the second.
  case leadingRatio = "leading ratio"
  /// The largest magnitude of an eigenvalue over the one that nine tenths of all stay below.
  case condition
  /// Where the loss was taken along each of the two leading directions.
  case contourCoordinates = "contour coordinates"
  /// The losses there, row by row.
  case contourLosses = "contour losses"
}
