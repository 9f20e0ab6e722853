/// What the examples of each class count in training, as a factor on their weights.
public enum ClassWeights: Hashable, Sendable {
  /// Every class counts the same in all: n / (k n_c), with n, the number of classes k and n_c by weight, as in scikit-learn.
  case balanced
  /// By the names of the classes, 0 or more; 1 for those that are not named.
  case factors([String: Double])

  /// `balanced`, or `no=1,yes=5`.
  package var summary: String {
    switch self {
    case .balanced: "balanced"
    case .factors(let factors):
      factors.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }
  }
}

extension Dataset {
  /// The same examples, of which those of each class count by a factor more.
  /// - Throws: `EvenkeelError`: `usage` for targets that are no classes, a class that is none of them or a factor below 0, `data` if
  ///   nothing counts.
  public func weighted(by weights: ClassWeights) throws -> Dataset {
    guard case .classes(let indices, let labels) = targets else {
      throw EvenkeelError.usage("--class-weight needs a target of classes; it is one of values.")
    }
    let factors: [Double]
    switch weights {
    case .balanced:
      var totals = [Double](repeating: 0, count: labels.count)
      for (example, index) in indices.enumerated() where index >= 0 { totals[Int(index)] += Double(weight(example)) }
      let occurring = totals.filter { $0 > 0 }
      let share = occurring.reduce(0, +) / Double(occurring.count)
      factors = totals.map { $0 > 0 ? share / $0 : 0 }
    case .factors(let named):
      for (name, factor) in named.sorted(by: { $0.key < $1.key }) {
        guard labels.contains(name) else {
          throw EvenkeelError.usage(
            "--class-weight: there is no class \"\(name)\"; expected \(Array(labels.prefix(20)).alternatives).")
        }
        guard factor.isFinite, factor >= 0 else {
          throw EvenkeelError.usage(
            "--class-weight: the weight of the class \"\(name)\" is \(factor); expected 0 or more.")
        }
      }
      factors = labels.map { named[$0] ?? 1 }
    }
    let raised = indices.enumerated().map { example, index in
      index < 0 ? 0 : Double(self.weights?[example] ?? 1) * factors[Int(index)]
    }
    if let example = raised.firstIndex(where: { !Float($0).isFinite || $0 > 0 && Float($0) == 0 }) {
      throw EvenkeelError.usage(
        "--class-weight: rows of the class \"\(labels[Int(indices[example])])\" would count \(raised[example]) each, which is too \(raised[example] > 1 ? "large" : "small") for a float."
      )
    }
    guard raised.isEmpty || raised.contains(where: { $0 > 0 }) else {
      throw EvenkeelError.usage("--class-weight leaves none of the \(raised.count) rows a weight above 0.")
    }
    return try with(weights: raised.map { Float($0) })
  }
}
