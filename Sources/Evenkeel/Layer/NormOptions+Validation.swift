extension NormOptions {
  /// Checks the options, for `Layer.outputShape(for:)` of a norm.
  /// - Throws: `EvenkeelError` with code `usage` that names the layer's `kind`, for options out of range.
  public func validate(_ kind: String) throws {
    guard epsilon.isFinite, epsilon >= 0 else {
      throw EvenkeelError.usage("\(kind): epsilon is \(epsilon); expected 0 or more.")
    }
    guard initialScale.isFinite, learnsScale || initialScale == 1 else {
      throw EvenkeelError.usage(
        "\(kind): initialScale is \(initialScale); expected a finite number, and none where scale is off.")
    }
  }
}
