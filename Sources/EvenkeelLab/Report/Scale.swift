import Glibc

/// Where a value lies along an axis of the picture.
struct Scale {
  let kind: Axis.Scale
  let domain: ClosedRange<Double>
  /// The picture's coordinate of the domain's lower bound.
  let start: Double
  /// The picture's coordinate of its upper bound; less than `start` for an axis that points up.
  let end: Double

  init(_ kind: Axis.Scale, domain: ClosedRange<Double>, from start: Double, to end: Double) {
    (self.kind, self.domain, self.start, self.end) = (kind, domain, start, end)
  }

  /// The coordinate of `value`; `nil` for what a logarithmic scale has no place for.
  func callAsFunction(_ value: Double) -> Double? {
    guard let share = kind.share(of: value, in: domain) else { return nil }
    return start + share * (end - start)
  }
}

extension Axis.Scale {
  /// How far along `domain` a value lies: 0 at its lower bound, 1 at its upper.
  func share(of value: Double, in domain: ClosedRange<Double>) -> Double? {
    switch self {
    case .linear:
      return (value - domain.lowerBound) / (domain.upperBound - domain.lowerBound)
    case .logarithmic:
      guard value > 0 else { return nil }
      let start = log(domain.lowerBound)
      return (log(value) - start) / (log(domain.upperBound) - start)
    }
  }
}

extension Axis {
  /// How the domain lies around the values.
  enum Fit {
    /// From the first to the last.
    case tight
    /// With a little room.
    case loose
    /// Out to the next ticks, and to 0 where that is near.
    case ticks
  }

  /// What the axis spans: `range`, else what the values do; `nil` if no value has a place on it.
  func domain(of values: some Sequence<Double>, _ fit: Fit) -> ClosedRange<Double>? {
    var low = Double.infinity
    var high = -Double.infinity
    for value in values where value.isFinite && (scale == .linear || value > 0) {
      (low, high) = (min(low, value), max(high, value))
    }
    guard low <= high else { return nil }
    if let range {
      if scale == .linear || range.lowerBound > 0 { return widened(range.lowerBound, range.upperBound) }
      return widened(min(low, range.upperBound), range.upperBound)
    }
    // Differences of larger ones overflow.
    (low, high) = scale == .linear ? (max(low, -1e300), min(high, 1e300)) : (max(low, 1e-300), min(high, 1e300))
    let spread = high - low
    let domain = widened(low, high)
    (low, high) = (domain.lowerBound, domain.upperBound)
    if fit == .tight || spread == 0 && fit == .loose { return low...high }
    if scale == .logarithmic {
      let room = exp(0.04 * (log(high) - log(low)))
      return low / room...high * room
    }
    if fit == .loose { return low - 0.04 * spread...high + 0.04 * spread }
    if low > 0, low < 0.35 * high { low = 0 }
    // Twice, as the wider range may have longer steps.
    for _ in 0..<2 {
      let step = Ticks.step(for: high - low, count: 5)
      (low, high) = ((low / step + 1e-6).rounded(.down) * step, (high / step - 1e-6).rounded(.up) * step)
    }
    return low...high
  }

  /// The same range, made wide enough to divide by.
  private func widened(_ low: Double, _ high: Double) -> ClosedRange<Double> {
    if scale == .logarithmic { return high / low > 1 + 1e-9 ? low...high : low / 2...high * 2 }
    let size = max(abs(low), abs(high))
    if high - low > 1e-9 * size { return low...high }
    return size == 0 ? -1...1 : low - 0.1 * size...high + 0.1 * size
  }

  /// The title with its unit: "Time (s)".
  var label: String { unit.map { "\(title) (\($0))" } ?? title }
}
