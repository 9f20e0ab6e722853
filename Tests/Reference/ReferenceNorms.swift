import Evenkeel

/// Layer, group, instance or RMS norm from its formula: x̂ = (x − μ) / √(σ² + ε) over sets of values of one example,
/// y = γ x̂ + β; g = γ dy, dx = (g − mean g − x̂ mean (g x̂)) / √(σ² + ε); without μ and mean g for RMS norm.
package final class ReferenceExampleNorm: ReferenceLayer {
  private let name: String
  private let features: Int
  private let epsilon: Double
  private let isCentred: Bool
  /// The set of each value of an example.
  private let set: [Int]
  private let setCount: Int
  package private(set) var normalized = Matrix(0, 0, [Bounded]())
  /// The centered sets are batch norm's columns.
  private var core = ReferenceBatchNorm(BatchNorm(), features: 0, scale: nil, shift: nil)
  private var inverse: [Bounded] = []

  /// Nil where `layer` is none.
  package init?(_ layer: any Layer, _ name: String = "", input: Shape, scale: [Bounded]?, shift: [Bounded]?) {
    let c = input.featureCount
    let groups: Int?
    switch layer {
    case let norm as LayerNorm: (groups, epsilon, isCentred) = (nil, norm.epsilon, true)
    case let norm as RMSNorm: (groups, epsilon, isCentred) = (nil, norm.epsilon, false)
    case let norm as GroupNorm: (groups, epsilon, isCentred) = (norm.groups, norm.epsilon, true)
    case let norm as InstanceNorm: (groups, epsilon, isCentred) = (c, norm.epsilon, true)
    default: return nil
    }
    self.name = name
    features = c
    set = (0..<input.count).map { at in groups.map { at % c / (c / $0) } ?? at / c }
    setCount = groups ?? input.count / c
    super.init()
    parameters[name + ".weight"] = scale
    parameters[name + ".bias"] = shift
  }

  private func scale(_ at: Int) -> Bounded { parameters[name + ".weight"]?[at % features] ?? Bounded(1.0) }

  /// The sets of all examples as columns.
  private func columns(_ x: Matrix) -> Matrix {
    var columns = [[Bounded]](repeating: [], count: x.rows * setCount)
    for at in x.values.indices { columns[at / x.columns * setCount + set[at % x.columns]].append(x.values[at]) }
    return Matrix(columns.count, columns[0].count, columns.flatMap { $0 }).transposed
  }

  private func rows(_ matrix: Matrix, like x: Matrix) -> Matrix {
    var next = [Int](repeating: 0, count: matrix.columns)
    var result = x
    for at in x.values.indices {
      let column = at / x.columns * setCount + set[at % x.columns]
      result.values[at] = matrix.values[next[column] * matrix.columns + column]
      next[column] += 1
    }
    return result
  }

  package override func forward(_ x: Matrix, training: Bool) -> Matrix {
    let sets = columns(x)
    if isCentred {
      core = ReferenceBatchNorm(BatchNorm(epsilon: epsilon), features: sets.columns, scale: nil, shift: nil)
      normalized = rows(core.forward(sets, training: true), like: x)
    } else {
      inverse = (0..<sets.columns).map { column in
        let m = Double(sets.rows)
        let values = (0..<sets.rows).map { sets.values[$0 * sets.columns + column] }
        let sum = values.reduce(0) { $0 + $1.value * $1.value } / m + epsilon
        guard sum > 0 else { return Bounded(0.0) }
        let variance = values.reduce(0) { $0 + 4 * $1.value * $1.value * $1.variance } / (m * m)
        return shared(Bounded(1 / sum.squareRoot(), variance: variance / (4 * sum * sum * sum)), by: sets.rows)
          .rounded()
      }
      var scaled = sets
      for at in sets.values.indices { scaled.values[at] = sets.values[at] * inverse[at % sets.columns] }
      normalized = rows(scaled, like: x)
    }
    var y = normalized
    for at in y.values.indices {
      y.values[at] = scale(at) * normalized.values[at]
      if let shift = parameters[name + ".bias"] { y.values[at] = y.values[at] + shift[at % features] }
    }
    return y
  }

  package override func backward(_ dy: Matrix) -> Matrix {
    let byFeature = dy.values.count / features
    func sum(_ term: (Int) -> Bounded) -> [Bounded] {
      (0..<features).map { c in
        Bounded.sum(byFeature, roundings: min(8, byFeature)) { term($0 * features + c) }
      }
    }
    if parameters[name + ".bias"] != nil { gradients[name + ".bias"] = sum { dy.values[$0] } }
    if parameters[name + ".weight"] != nil {
      gradients[name + ".weight"] = sum { dy.values[$0] * normalized.values[$0] }
    }
    var g = dy
    for at in g.values.indices { g.values[at] = dy.values[at] * scale(at) }
    let sets = columns(g)
    guard !isCentred else { return rows(core.backward(sets), like: dy) }
    let hats = columns(normalized)
    var dx = sets
    for column in 0..<sets.columns {
      let along = Bounded.sum(sets.rows, roundings: min(8, sets.rows)) { row in
        sets.values[row * sets.columns + column] * hats.values[row * sets.columns + column]
      }
      let mean = shared(along / Bounded(Double(sets.rows)), by: sets.rows)
      for at in stride(from: column, to: sets.values.count, by: sets.columns) {
        dx.values[at] = inverse[column] * (sets.values[at] - hats.values[at] * mean)
      }
    }
    return rows(dx, like: dy)
  }
}
