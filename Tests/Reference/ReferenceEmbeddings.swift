import Evenkeel
import Glibc

/// The layers that begin a network for tables, each from its formula.
package func referenceEmbedding(
  _ layer: any Layer, _ name: String, input: Shape, parameters: [String: [Bounded]], edges: () -> [Float]
) -> ReferenceLayer? {
  let own = parameters.filter { $0.key.hasPrefix(name + ".") }
  switch layer {
  case let layer as PiecewiseLinear:
    return ReferencePiecewiseLinear(layer, name, input: input, own, edges: edges().map { Double($0) })
  case let layer as Periodic: return ReferencePeriodic(layer, name, input: input, own)
  case let layer as Embedding: return ReferenceEmbedding(layer, name, input: input, own)
  case let layer as Ensemble: return ReferenceEnsemble(layer, name, input: input, own)
  case let layer as MemberDense: return ReferenceMemberDense(layer, name, input: input, own)
  default: return nil
  }
}

/// What an embedding of some features has in common: vectors before the features that it leaves alone, or behind them.
package class ReferenceFeatures: ReferenceLayer {
  fileprivate let name: String
  fileprivate let width: Int
  fileprivate let chosen, rest: [Int]
  private let restIsFirst: Bool
  fileprivate var x = Matrix(0, 0, [Bounded]())

  fileprivate init(
    _ name: String, width: Int, features: [Int]?, input: Shape, restIsFirst: Bool = false,
    _ parameters: [String: [Bounded]]
  ) {
    self.name = name
    self.width = width
    chosen = features ?? Array(0..<input.count)
    rest = (0..<input.count).filter { !(features ?? Array(0..<input.count)).contains($0) }
    self.restIsFirst = restIsFirst
    super.init()
    self.parameters = parameters
  }

  private var length: Int { chosen.count * width + rest.count }
  private var firstVector: Int { restIsFirst ? rest.count : 0 }
  private var firstOther: Int { restIsFirst ? 0 : chosen.count * width }

  fileprivate func input(_ row: Int, _ index: Int) -> Bounded { x.values[row * x.columns + chosen[index]] }
  fileprivate func gradient(_ dy: Matrix, _ row: Int, _ index: Int, _ at: Int) -> Bounded {
    dy.values[row * length + firstVector + index * width + at]
  }

  /// The vector of a value.
  fileprivate func vector(_ value: Bounded, _ index: Int) -> [Bounded] { [] }
  /// What `vector` does to the gradient of the value; leaves those of the parameters.
  fileprivate func inputGradients(_ dy: Matrix, _ index: Int) -> [Bounded] { [] }

  package override func forward(_ x: Matrix, training: Bool) -> Matrix {
    self.x = x
    let values = (0..<x.rows).flatMap { row -> [Bounded] in
      let vectors = chosen.indices.flatMap { vector(input(row, $0), $0) }
      let others = rest.map { x.values[row * x.columns + $0] }
      return restIsFirst ? others + vectors : vectors + others
    }
    return Matrix(x.rows, length, values)
  }

  package override func backward(_ dy: Matrix) -> Matrix {
    gradients = parameters.mapValues { $0.map { _ in Bounded(0.0) } }
    var dx = x
    for index in chosen.indices {
      for (row, gradient) in inputGradients(dy, index).enumerated() {
        dx.values[row * x.columns + chosen[index]] = gradient
      }
    }
    for row in 0..<x.rows {
      for (index, feature) in rest.enumerated() {
        dx.values[row * x.columns + feature] = dy.values[row * length + firstOther + index]
      }
    }
    return dx
  }

  /// The sum over all rows of terms that the kernels add in Float, one after the other.
  fileprivate func sum(_ more: Int = 0, _ term: (Int) -> Bounded) -> Bounded {
    Bounded.sum(x.rows, roundings: x.rows + more, term)
  }
}

/// y = Σ v_t W_t + a x + c with v_t = (x − b_{t−1}) / (b_t − b_{t−1}) within 0…1, but not limited below in the first bin and
/// above in the last.
private final class ReferencePiecewiseLinear: ReferenceFeatures {
  private let bins: Int
  private let edges: [Double]

  init(_ layer: PiecewiseLinear, _ name: String, input: Shape, _ parameters: [String: [Bounded]], edges: [Double]) {
    bins = layer.bins
    self.edges = edges
    super.init(name, width: layer.width, features: layer.features, input: input, parameters)
  }

  private func edges(_ index: Int) -> [Double] {
    let own = Array(edges[index * (bins + 1)..<(index + 1) * (bins + 1)])
    return own.indices.filter { $0 == 0 || own[$0] > own[$0 - 1] }.map { own[$0] }
  }

  /// The bin that a value is in, and how far it is through it; nil without bins.
  private func place(_ value: Bounded, _ index: Int) -> (bin: Int, share: Bounded, size: Bounded)? {
    let edges = edges(index)
    guard edges.count > 1 else { return nil }
    let bin = (1..<edges.count - 1).filter { edges[$0] <= value.value }.count
    let size = Bounded(edges[bin + 1]) - Bounded(edges[bin])
    return (bin, (value - Bounded(edges[bin])) / size, size)
  }

  private func weight(_ index: Int, _ bin: Int, _ at: Int) -> Bounded {
    parameters[name + ".weight"]![(index * bins + bin) * width + at]
  }

  fileprivate override func vector(_ value: Bounded, _ index: Int) -> [Bounded] {
    (0..<width).map { at in
      let linear = parameters[name + ".slope"]![index * width + at] * value
      // Every row of a bin begins with the same sum.
      var level = parameters[name + ".bias"]![index * width + at]
      guard let (bin, share, _) = place(value, index) else { return level + linear }
      for past in 0..<bin { level = level + weight(index, past, at) }
      return shared(level, by: x.rows) + linear + share * weight(index, bin, at)
    }
  }

  fileprivate override func inputGradients(_ dy: Matrix, _ index: Int) -> [Bounded] {
    let places = (0..<x.rows).map { place(input($0, index), index) }
    for at in 0..<width {
      gradients[name + ".bias"]![index * width + at] = sum(bins) { gradient(dy, $0, index, at) }
      gradients[name + ".slope"]![index * width + at] = sum { input($0, index) * gradient(dy, $0, index, at) }
      for bin in 0..<bins where places.contains(where: { $0 != nil }) {
        gradients[name + ".weight"]![(index * bins + bin) * width + at] = sum(bins) { row in
          guard let place = places[row], place.bin >= bin else { return Bounded(0.0) }
          return place.bin > bin ? gradient(dy, row, index, at) : place.share * gradient(dy, row, index, at)
        }
      }
    }
    return (0..<x.rows).map { row in
      let slope = Bounded.sum(width, roundings: width) { at in
        gradient(dy, row, index, at) * parameters[name + ".slope"]![index * width + at]
      }
      guard let place = places[row] else { return slope }
      return slope
        + Bounded.sum(width, roundings: width) { gradient(dy, row, index, $0) * weight(index, place.bin, $0) }
        / place.size
    }
  }
}

/// y = max(0, W v + b) with v = (cos 2πc₁x, …, sin 2πc_k x).
private final class ReferencePeriodic: ReferenceFeatures {
  private let frequencies: Int

  init(_ layer: Periodic, _ name: String, input: Shape, _ parameters: [String: [Bounded]]) {
    frequencies = layer.frequencies
    super.init(name, width: layer.width, features: layer.features, input: input, parameters)
  }

  private func turn(_ index: Int, _ wave: Int) -> Bounded {
    parameters[name + ".frequencies"]![index * frequencies + wave]
  }

  private func weight(_ index: Int, _ wave: Int, _ at: Int) -> Bounded {
    parameters[name + ".weight"]![(index * 2 * frequencies + wave) * width + at]
  }

  /// The waves, and their derivatives by the angle in turns.
  private func waves(_ value: Bounded, _ index: Int) -> (values: [Bounded], slopes: [Bounded]) {
    let turns = (0..<frequencies).map { turn(index, $0) * value }
    // Polynomials have an error of some roundings of 1.
    func wave(_ turn: Bounded, _ value: Double, _ slope: Double) -> Bounded {
      Bounded(
        value, variance: 4 * .pi * .pi * slope * slope * turn.variance + Bounded(0.0, error: 4 * Bounded.u).variance)
    }
    let cosines = turns.map { wave($0, cos(2 * .pi * $0.value), sin(2 * .pi * $0.value)) }
    let sines = turns.map { wave($0, sin(2 * .pi * $0.value), cos(2 * .pi * $0.value)) }
    return (cosines + sines, sines.map { Bounded(-1.0) * $0 } + cosines)
  }

  /// W v + b.
  private func before(_ waves: [Bounded], _ index: Int, _ at: Int) -> Bounded {
    Bounded.sum(2 * frequencies, roundings: 2 * frequencies) { waves[$0] * weight(index, $0, at) }
      + parameters[name + ".bias"]![index * width + at]
  }

  fileprivate override func vector(_ value: Bounded, _ index: Int) -> [Bounded] {
    let waves = waves(value, index).values
    return (0..<width).map { at in
      let value = before(waves, index, at)
      return Bounded(max(0, value.value), variance: value.variance)
    }
  }

  fileprivate override func inputGradients(_ dy: Matrix, _ index: Int) -> [Bounded] {
    let rows = (0..<x.rows).map { waves(input($0, index), index) }
    let past = (0..<x.rows).map { row in
      (0..<width).map { at in
        let sum = before(rows[row].values, index, at)
        let gradient = gradient(dy, row, index, at)
        // Where rounding decides on which side of the kink a value is, either is right.
        let doubt = abs(sum.value) <= sum.error ? Bounded(0.0, error: abs(gradient.value)).variance : 0
        return Bounded(sum.value > 0 ? gradient.value : 0, variance: gradient.variance + doubt)
      }
    }
    for at in 0..<width {
      gradients[name + ".bias"]![index * width + at] = sum { past[$0][at] }
      for wave in 0..<2 * frequencies {
        gradients[name + ".weight"]![(index * 2 * frequencies + wave) * width + at] = sum { row in
          rows[row].values[wave] * past[row][at]
        }
      }
    }
    // Of each row, the gradient of every angle.
    let angles = (0..<x.rows).map { row in
      (0..<frequencies).map { wave in
        func through(_ wave: Int) -> Bounded {
          rows[row].slopes[wave] * Bounded.sum(width, roundings: width) { past[row][$0] * weight(index, wave, $0) }
        }
        return through(wave) + through(frequencies + wave)
      }
    }
    let turn = Bounded(rounded: 2 * .pi)
    for wave in 0..<frequencies {
      gradients[name + ".frequencies"]![index * frequencies + wave] =
        turn * sum { row in input(row, index) * angles[row][wave] }
    }
    return (0..<x.rows).map { row in
      turn
        * Bounded.sum(frequencies, roundings: frequencies) { wave in self.turn(index, wave) * angles[row][wave] }
    }
  }
}

/// The entry of a category's number, entry 0 for what is none.
private final class ReferenceEmbedding: ReferenceFeatures {
  private let counts: [Int]

  init(_ layer: Embedding, _ name: String, input: Shape, _ parameters: [String: [Bounded]]) {
    counts = layer.counts
    super.init(name, width: layer.width, features: layer.features, input: input, restIsFirst: true, parameters)
  }

  private func entry(_ value: Bounded, _ index: Int) -> Int {
    let number = value.value >= 0 && value.value < Double(counts[index]) ? Int(value.value) : 0
    return counts[..<index].reduce(0, +) + number
  }

  fileprivate override func vector(_ value: Bounded, _ index: Int) -> [Bounded] {
    (0..<width).map { parameters[name + ".weight"]![entry(value, index) * width + $0] }
  }

  fileprivate override func inputGradients(_ dy: Matrix, _ index: Int) -> [Bounded] {
    let entries = (0..<x.rows).map { entry(input($0, index), index) }
    for entry in Set(entries) {
      for at in 0..<width {
        gradients[name + ".weight"]![entry * width + at] = sum { row in
          entries[row] == entry ? gradient(dy, row, index, at) : Bounded(0.0)
        }
      }
    }
    return entries.map { _ in Bounded(0.0) }
  }
}

/// y_m = s_m ∘ x.
private final class ReferenceEnsemble: ReferenceLayer {
  private let name: String
  private let members, width: Int
  private var x = Matrix(0, 0, [Bounded]())

  init(_ layer: Ensemble, _ name: String, input: Shape, _ parameters: [String: [Bounded]]) {
    self.name = name
    (members, width) = (layer.members, input.featureCount)
    super.init()
    self.parameters = parameters
  }

  private var scale: [Bounded] { parameters[name + ".weight"]! }
  private func source(_ row: Int, _ at: Int) -> Int { row * x.columns + at % x.columns }

  package override func forward(_ x: Matrix, training: Bool) -> Matrix {
    self.x = x
    let length = members * width
    return Matrix(
      x.rows, length, (0..<x.rows * length).map { x.values[source($0 / length, $0 % length)] * scale[$0 % length] })
  }

  package override func backward(_ dy: Matrix) -> Matrix {
    let length = members * width
    gradients[name + ".weight"] = (0..<length).map { at in
      Bounded.sum(x.rows, roundings: x.rows) { x.values[source($0, at)] * dy.values[$0 * length + at] }
    }
    let shares = length / x.columns
    let values = x.values.indices.map { at in
      let (row, column) = (at / x.columns, at % x.columns)
      return Bounded.sum(shares, roundings: shares) {
        dy.values[row * length + $0 * x.columns + column] * scale[$0 * x.columns + column]
      }
    }
    return Matrix(x.rows, x.columns, values)
  }
}

/// A dense layer for each member.
private final class ReferenceMemberDense: ReferenceLayer {
  private let name: String
  private let members, units: Int
  private var layers: [ReferenceDense] = []

  init(_ layer: MemberDense, _ name: String, input: Shape, _ parameters: [String: [Bounded]]) {
    self.name = name
    (members, units) = (input.dimensions[0], layer.units)
    super.init()
    self.parameters = parameters
  }

  private static func part<Value>(_ values: [Value], _ index: Int, of count: Int) -> [Value] {
    Array(values[values.count / count * index..<values.count / count * (index + 1)])
  }

  /// The columns of one member.
  private func part(_ x: Matrix, _ member: Int) -> Matrix {
    let rows = (0..<x.rows).flatMap { row in
      Self.part(Self.part(x.values, row, of: x.rows), member, of: members)
    }
    return Matrix(x.rows, x.columns / members, rows)
  }

  private func joined(_ parts: [Matrix]) -> Matrix {
    let rows = parts[0].rows
    return Matrix(
      rows, parts[0].columns * members,
      (0..<rows).flatMap { row in parts.flatMap { Self.part($0.values, row, of: rows) } })
  }

  package override func forward(_ x: Matrix, training: Bool) -> Matrix {
    layers = (0..<members).map { member in
      ReferenceDense(
        "member", units: units, weight: Self.part(parameters[name + ".weight"]!, member, of: members),
        bias: Self.part(parameters[name + ".bias"]!, member, of: members))
    }
    return joined((0..<members).map { layers[$0].forward(part(x, $0), training: training) })
  }

  package override func backward(_ dy: Matrix) -> Matrix {
    let dx = joined((0..<members).map { layers[$0].backward(part(dy, $0)) })
    gradients[name + ".weight"] = layers.flatMap { $0.gradients["member.weight"]! }
    gradients[name + ".bias"] = (0..<members * units).map { at in
      Bounded.sum(dy.rows, roundings: dy.rows) { dy.values[$0 * dy.columns + at] }
    }
    return dx
  }
}
