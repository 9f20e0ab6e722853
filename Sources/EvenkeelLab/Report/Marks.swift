/// One line: a median over seeds, with the band that the seeds span.
package struct Curve: Codable, Hashable, Sendable {
  /// The label at the line: "batch norm"; of a ribbon, the panel's title.
  package var name: String
  package var side: Side
  /// In order of x.
  package var points: [Point]
  /// Whether each point gets a dot: for a few measured places (depths, batch sizes) rather than a course over time.
  package var isMarked: Bool

  package init(_ name: String, side: Side, points: [Point], isMarked: Bool = false) {
    (self.name, self.side, self.points, self.isMarked) = (name, side, points, isMarked)
  }

  /// The median at each x over seeds, with a band from the least to the largest.
  ///
  /// Seeds that are not finite at an x are left out there and counted as diverged; where they are more than half, the line
  /// has a gap.
  /// - Parameter seeds: For each seed a value for each x; a seed that ended early may have fewer.
  package init(_ name: String, side: Side, x: [Double], seeds: [[Double]], isMarked: Bool = false) {
    let points = x.indices.map { index in
      let values = seeds.compactMap { index < $0.count ? $0[index] : nil }
      let finite = values.filter(\.isFinite).sorted()
      let diverged = values.count - finite.count
      guard !finite.isEmpty, diverged <= finite.count else { return Point(x[index], nil, diverged: diverged) }
      let median = (finite[(finite.count - 1) / 2] + finite[finite.count / 2]) / 2
      return Point(x[index], median, low: finite.first, high: finite.last, diverged: diverged)
    }
    self.init(name, side: side, points: points, isMarked: isMarked)
  }

  /// A place on the line. What is not finite becomes `nil`: a gap.
  package struct Point: Codable, Hashable, Sendable {
    package let x: Double
    package let median: Double?
    /// The band's lower edge; `nil` for no band here.
    package let low: Double?
    /// The band's upper edge.
    package let high: Double?
    /// How many seeds gave no finite value here.
    package let diverged: Int

    /// - Parameter diverged: `nil` counts one if `median` is there and not finite.
    package init(_ x: Double, _ median: Double?, low: Double? = nil, high: Double? = nil, diverged: Int? = nil) {
      self.x = x
      (self.median, self.low, self.high) = (finite(median), finite(low), finite(high))
      self.diverged = diverged ?? (median.map { $0.isFinite ? 0 : 1 } ?? 0)
    }
  }
}

/// Values over a grid of two quantities: a panel of a heat map or of contours.
package struct Surface: Codable, Hashable, Sendable {
  /// What became of one place of the grid.
  package enum Cell: Codable, Hashable, Sendable {
    case value(Double)
    /// Tried, without a finite value.
    case diverged
    /// Not tried.
    case missing
  }

  /// The panel's title.
  package var name: String
  package var side: Side
  /// A line below the panel's title: "λ₁ ∕ λ₂ = 12.4".
  package var note: String?
  /// The grid's places along x, ascending.
  package var columns: [Double]
  /// The grid's places along y, ascending.
  package var rows: [Double]
  /// `cells[row][column]`.
  package private(set) var cells: [[Cell]]

  /// - Parameter values: `values[row][column]`; `nil` where nothing was tried, not finite where it diverged.
  package init(
    _ name: String, side: Side, note: String? = nil, columns: [Double], rows: [Double], values: [[Double?]]
  ) {
    precondition(values.count == rows.count && values.allSatisfy { $0.count == columns.count })
    (self.name, self.side, self.note, self.columns, self.rows) = (name, side, note, columns, rows)
    cells = values.map { $0.map { $0.map { $0.isFinite ? .value($0) : .diverged } ?? .missing } }
  }
}

/// A dot with its 95 % interval.
package struct Interval: Codable, Hashable, Sendable {
  /// The group that it stands in, in order of first appearance: "batch 4", "sigmoid".
  package var category: String
  /// The label of its side in the legend: "batch norm".
  package var name: String
  package var side: Side
  /// `nil` if it diverged.
  package let value: Double?
  package let low: Double?
  package let high: Double?

  package init(
    _ category: String, name: String, side: Side, value: Double, low: Double? = nil, high: Double? = nil
  ) {
    (self.category, self.name, self.side) = (category, name, side)
    (self.value, self.low, self.high) = (finite(value), finite(low), finite(high))
  }
}

/// `nil` for what is not finite: JSON has no NaN, and NaN equals nothing.
private func finite(_ value: Double?) -> Double? { value.flatMap { $0.isFinite ? $0 : nil } }
