/// Why a norm cannot take statistics. If values are at fault, the message is a fragment without a period: whoever
/// reports it adds what happens to the model.
package enum NormFailure {
  /// There is only one value of each feature, so no variance.
  case oneValue
  /// A value of this feature is NaN or infinite.
  case notFinite(feature: Int)
  /// The mean or variance of this feature exceeds the range of a float.
  case outOfRange(feature: Int)

  /// - Parameters:
  ///   - path: The layer's.
  ///   - kind: The layer's.
  package func error(_ path: String, _ kind: String) -> EvenkeelError {
    let layer = "Layer \(path) (\(kind))"
    switch self {
    case .oneValue:
      return .usage(
        "\(layer) got one value per feature; its statistics need at least two examples per batch.", layer: path)
    case .notFinite(let feature): return .data("\(layer) got a value that is not finite in feature \(feature)")
    case .outOfRange(let feature):
      return .data("\(layer) got values whose variance exceeds the range of a float in feature \(feature)")
    }
  }
}
