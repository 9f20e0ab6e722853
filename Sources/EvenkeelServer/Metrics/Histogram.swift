/// How often a quantity was how large, as Prometheus counts it.
package struct Histogram: Sendable {
  /// The upper limits of all parts but the last, which has none.
  package let bounds: [Double]
  /// Of each part.
  package private(set) var counts: [Int]
  package private(set) var sum = 0.0
  package var count: Int { counts.reduce(0, +) }

  package init(bounds: [Double]) {
    self.bounds = bounds
    counts = Array(repeating: 0, count: bounds.count + 1)
  }

  package mutating func add(_ value: Double) {
    counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
    sum += value
  }

  /// Seconds, from 100 µs to 1 s.
  static let durations = Histogram(
    bounds: [100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 500e-3, 1])
  /// Rows of a batch.
  static let rows = Histogram(bounds: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024])
}
