/// The quantile of the standard normal distribution as quotients of polynomials, as ONNX has no operator for it:
/// Wichura 1988, algorithm AS 241 (PPND16), about 16 digits.
extension ONNXGraphBuilder {
  /// - Parameter share: Doubles, which are limited to 1e-7 ... 1 − 1e-7 as the library does.
  mutating func normalQuantile(_ share: String, at path: String) -> String {
    let least = 1e-7
    let notBelow = add("Max", at: path, [share, double("\(path).least", least)])
    let p = add("Min", at: path, [notBelow, double("\(path).most", 1 - least)])
    let q = add("Sub", at: path, [p, double("\(path).half", 0.5)])
    // In the middle.
    let square = add("Mul", at: path, [q, q])
    let inner = quotient(
      Self.middle, of: add("Sub", at: path, [double("\(path).limit", 0.180625), square]), at: path)
    // In the tails, as far as 1e-7 is out.
    let other = add("Sub", at: path, [double("\(path).one", 1), p])
    let tail = add("Neg", at: path, [add("Log", at: path, [add("Min", at: path, [p, other])])])
    let root = add("Sub", at: path, [add("Sqrt", at: path, [tail]), double("\(path).start", 1.6)])
    let outer = add("Mul", at: path, [add("Sign", at: path, [q]), quotient(Self.tails, of: root, at: path)])
    let isMiddle = add("LessOrEqual", at: path, [add("Abs", at: path, [q]), double("\(path).bound", 0.425)])
    return add("Where", at: path, [isMiddle, add("Mul", at: path, [q, inner]), outer])
  }

  private mutating func quotient(
    _ polynomials: (above: [Double], below: [Double]), of r: String, at path: String
  ) -> String {
    add(
      "Div", at: path, [polynomial(polynomials.above, of: r, at: path), polynomial(polynomials.below, of: r, at: path)])
  }

  /// - Parameter coefficients: The highest power's first.
  private mutating func polynomial(_ coefficients: [Double], of r: String, at path: String) -> String {
    let name = "\(path).coefficient"
    return coefficients.dropFirst().reduce(double(name, coefficients[0])) { sum, coefficient in
      add("Add", at: path, [add("Mul", at: path, [sum, r]), double(name, coefficient)])
    }
  }

  private static let middle: (above: [Double], below: [Double]) = (
    [
      2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
      13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608,
    ],
    [
      5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
      5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1,
    ]
  )

  private static let tails: (above: [Double], below: [Double]) = (
    [
      7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
      3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734,
    ],
    [
      1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
      0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1,
    ]
  )
}
