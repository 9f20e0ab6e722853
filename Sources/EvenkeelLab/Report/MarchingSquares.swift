/// Lines of equal value over a grid, by marching squares (Lorensen and Cline 1987, in two dimensions).
///
/// A value between two neighbors of the grid is taken to change evenly; where a square's opposite corners lie above the level
/// and the others below, the mean of its corners decides which are connected.
package struct MarchingSquares {
  /// The grid's places, in any coordinates that are even along an edge.
  let columns, rows: [Double]
  /// `values[row][column]`; NaN for a hole, ∞ for what lies above any level.
  let values: [[Double]]

  package init(columns: [Double], rows: [Double], values: [[Double]]) {
    (self.columns, self.rows, self.values) = (columns, rows, values)
  }

  package struct Line: Equatable {
    package var points: [Point]
    package var isClosed: Bool
  }

  package struct Point: Equatable {
    package var x, y: Double
  }

  /// The lines along which the value is `level`. Squares with a hole at a corner have none.
  package func lines(at level: Double) -> [Line] {
    joined(segments(at: level)).map { edges, isClosed in
      Line(points: edges.map { point(on: $0, level) }, isClosed: isClosed)
    }
  }

  /// The borders of the area below `level`, each closed: along lines of that value and along the grid's rim.
  package func area(below level: Double) -> [Line] {
    func framed<Element>(_ line: [Element], _ first: Element, _ last: Element) -> [Element] { [first] + line + [last] }
    guard let left = columns.first, let right = columns.last, let low = rows.first, let high = rows.last else {
      return []
    }
    let rim = [Double](repeating: .infinity, count: columns.count + 2)
    let inner = values.map { framed($0.map { $0.isNaN ? .infinity : $0 }, .infinity, .infinity) }
    // The frame lies on the rim itself: a line between a value and infinity lies at the value.
    let padded = MarchingSquares(
      columns: framed(columns, left, right), rows: framed(rows, low, high), values: framed(inner, rim, rim))
    return padded.lines(at: level)
  }

  /// Pairs of grid edges that a line connects. An edge is 2 · (row · columns + column), plus 1 if it points up.
  private func segments(at level: Double) -> [(Int, Int)] {
    var segments: [(Int, Int)] = []
    for row in 0..<max(0, rows.count - 1) {
      for column in 0..<max(0, columns.count - 1) {
        let corners = [
          values[row][column], values[row][column + 1], values[row + 1][column + 1], values[row + 1][column],
        ]
        if corners.contains(where: \.isNaN) { continue }
        let isBelow = corners.map { $0 < level }
        let first = 2 * (row * columns.count + column)
        let sides = [first, first + 3, first + 2 * columns.count, first + 1]
        let crossed = (0..<4).filter { isBelow[$0] != isBelow[($0 + 1) % 4] }
        if crossed.count == 2 {
          segments.append((sides[crossed[0]], sides[crossed[1]]))
        } else if crossed.count == 4 {
          let isMiddleBelow = corners.reduce(0, +) / 4 < level
          // Cut off the corners that are not connected through the middle: the second and fourth, or the first and third.
          segments +=
            isMiddleBelow == isBelow[0]
            ? [(sides[0], sides[1]), (sides[2], sides[3])] : [(sides[3], sides[0]), (sides[1], sides[2])]
        }
      }
    }
    return segments
  }

  /// Segments that share an edge become one line. In order of the segments: open lines, then rings.
  private func joined(_ segments: [(Int, Int)]) -> [(edges: [Int], isClosed: Bool)] {
    var ends: [Int: [Int]] = [:]
    for (index, segment) in segments.enumerated() {
      ends[segment.0, default: []].append(index)
      ends[segment.1, default: []].append(index)
    }
    var isUsed = [Bool](repeating: false, count: segments.count)
    func follow(from start: Int) -> [Int] {
      var edges = [start]
      while let next = ends[edges[edges.count - 1]]?.first(where: { !isUsed[$0] }) {
        isUsed[next] = true
        let segment = segments[next]
        edges.append(segment.0 == edges[edges.count - 1] ? segment.1 : segment.0)
      }
      return edges
    }
    var lines: [(edges: [Int], isClosed: Bool)] = []
    for segment in segments {
      for end in [segment.0, segment.1] where ends[end]?.count == 1 && !isUsed[ends[end]![0]] {
        lines.append((follow(from: end), false))
      }
    }
    for (index, segment) in segments.enumerated() where !isUsed[index] {
      lines.append((Array(follow(from: segment.0).dropLast()), true))
    }
    return lines
  }

  private func point(on edge: Int, _ level: Double) -> Point {
    let (row, column) = (edge / 2 / columns.count, edge / 2 % columns.count)
    let (up, right) = edge % 2 == 1 ? (1, 0) : (0, 1)
    let (a, b) = (values[row][column], values[row + up][column + right])
    let share = a.isInfinite ? 1 : b.isInfinite ? 0 : (level - a) / (b - a)
    return Point(
      x: columns[column] + share * (columns[column + right] - columns[column]),
      y: rows[row] + share * (rows[row + up] - rows[row]))
  }
}
