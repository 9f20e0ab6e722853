import Evenkeel
import Glibc

/// A layer from its formula, in plain loops in Double: what the real ones must agree with.
///
/// `forward` keeps what `backward` needs; `backward` gives the gradient of the input and leaves those of the parameters.
package class ReferenceLayer {
  /// By their names in stored files.
  package var parameters: [String: [Bounded]] = [:]
  package var gradients: [String: [Bounded]] = [:]

  package func forward(_ x: Matrix, training: Bool) -> Matrix { x }
  package func backward(_ dy: Matrix) -> Matrix { dy }
}

/// y = x Wᵀ + b; dW = dyᵀ x, db = Σ dy, dx = dy W. All positions of all examples are rows.
package final class ReferenceDense: ReferenceLayer {
  private let name: String
  private let units: Int
  private var x = Matrix(0, 0, [Bounded]())

  package init(_ name: String, units: Int, weight: [Bounded], bias: [Bounded]?) {
    self.name = name
    self.units = units
    super.init()
    parameters[name + ".weight"] = weight
    parameters[name + ".bias"] = bias
  }

  private func weight() -> Matrix { Matrix(units, x.columns, parameters[name + ".weight"]!) }

  package override func forward(_ input: Matrix, training: Bool) -> Matrix {
    let inputs = parameters[name + ".weight"]!.count / units
    x = Matrix(input.values.count / inputs, inputs, input.values)
    var y = x * weight().transposed
    if let bias = parameters[name + ".bias"] {
      for at in y.values.indices { y.values[at] = y.values[at] + bias[at % units] }
    }
    return Matrix(input.rows, y.values.count / input.rows, y.values)
  }

  package override func backward(_ gradient: Matrix) -> Matrix {
    let dy = Matrix(x.rows, units, gradient.values)
    gradients[name + ".weight"] = (dy.transposed * x).values
    if parameters[name + ".bias"] != nil {
      gradients[name + ".bias"] = (0..<units).map { unit in columnSum(dy, unit) }
    }
    let dx = dy * weight()
    return Matrix(gradient.rows, dx.values.count / gradient.rows, dx.values)
  }
}

/// The kernels add eight rows in Float before a sum continues in Double.
private func columnSum(_ matrix: Matrix, _ column: Int) -> Bounded {
  Bounded.sum(matrix.rows, roundings: min(8, matrix.rows)) { matrix.values[$0 * matrix.columns + column] }
}

/// A number that this many rows use: they share its error, which sums over rows do not average out.
package func shared(_ number: Bounded, by rows: Int) -> Bounded {
  Bounded(number.value, variance: Double(rows) * number.variance)
}

/// x̂ = (x − μ) / √(σ² + ε), y = γ x̂ + β; dβ = Σ dy, dγ = Σ dy x̂, dx = γ / √(σ² + ε) (dy − dβ/m − x̂ dγ/m).
///
/// Renormalized: y = γ (x̂ r + d) + β; dγ = Σ dy (x̂ r + d), and dx as with γ r in the place of γ.
package class ReferenceBatchNorm: ReferenceLayer {
  package let options: BatchNorm
  package let name: String
  package let features: Int
  /// r and d of the last batch.
  private var ratio: [Bounded] = []
  private var offset: [Bounded] = []
  /// Of the last batch, or the running ones where those normalize.
  package private(set) var mean: [Bounded] = []
  package private(set) var variance: [Bounded] = []
  package private(set) var inverse: [Bounded] = []
  package private(set) var normalized = Matrix(0, 0, [Bounded]())
  package var runningMean: [Bounded]
  package var runningVariance: [Bounded]
  package var batchCount = 0
  /// What the examples of the next batch count; nil for 1 each.
  package var exampleWeights: [Double]?
  /// The same of the rows of the last batch.
  private var rowWeights: [Double] = []
  private var usesBatch = false

  package required init(_ options: BatchNorm, _ name: String = "", features: Int, scale: [Bounded]?, shift: [Bounded]?)
  {
    self.options = options
    self.name = name
    self.features = features
    runningMean = Array(repeating: Bounded(0.0), count: features)
    runningVariance = Array(repeating: Bounded(1.0), count: features)
    super.init()
    parameters[name + ".weight"] = scale
    parameters[name + ".bias"] = shift
  }

  /// Rows are all positions of all examples: features lie last.
  private func rows(_ x: Matrix) -> Matrix { Matrix(x.rows * x.columns / features, features, x.values) }

  private func scale(_ feature: Int) -> Bounded { parameters[name + ".weight"]?[feature] ?? Bounded(1.0) }
  private func shift(_ feature: Int) -> Bounded { parameters[name + ".bias"]?[feature] ?? Bounded(0.0) }

  package override func forward(_ input: Matrix, training: Bool) -> Matrix {
    let x = rows(input)
    usesBatch = training && !options.frozen
    let positions = x.rows / input.rows
    rowWeights = (0..<x.rows).map { exampleWeights?[$0 / positions] ?? 1 }
    if usesBatch { takeStatistics(x) } else { (mean, variance) = (runningMean, runningVariance) }
    // All rows share the statistics' errors.
    let means = mean.map { shared($0, by: x.rows) }
    inverse = variance.map { variance in
      let sum = variance.value + options.epsilon
      guard sum > 0 else { return Bounded(0.0) }
      let spread = shared(variance, by: x.rows).variance / (4 * sum * sum * sum)
      return Bounded(1 / sum.squareRoot(), variance: spread).rounded()
    }
    renormalize(by: x.rows)
    normalized = x
    var y = x
    for at in x.values.indices {
      let feature = at % features
      // The mean is a sum of two floats, taken off one after the other.
      let exact = x.values[at].value - mean[feature].value
      let difference = Bounded(exact, variance: x.values[at].variance + means[feature].variance).rounded(2)
      normalized.values[at] = difference * inverse[feature]
      y.values[at] = gain(feature) * inverse[feature] * difference + middle(feature)
    }
    return Matrix(input.rows, input.columns, y.values)
  }

  /// The mean (kept to more than Float's digits) and the variance of every feature.
  private func takeStatistics(_ x: Matrix) {
    let (w, m) = (rowWeights, rowWeights.reduce(0, +))
    mean = []
    variance = []
    for feature in 0..<features {
      func value(_ row: Int) -> Bounded { x.values[row * features + feature] }
      let rough = (0..<x.rows).reduce(0.0) { $0 + w[$1] * value($1).value } / m
      // A second pass over differences removes the rounding of the first.
      let exact = rough + (0..<x.rows).reduce(0.0) { $0 + w[$1] * (value($1).value - rough) } / m
      // A sum of m doubles, then its low part in Float.
      let size = (0..<x.rows).reduce(0.0) { $0 + w[$1] * abs(value($1).value) } / m
      let rounding = Bounded(0.0, error: m * 0x1p-53 * size + Bounded.u * Bounded.u * abs(exact)).variance
      let mean = Bounded(
        exact, variance: (0..<x.rows).reduce(0.0) { $0 + w[$1] * w[$1] * value($1).variance } / (m * m) + rounding)
      self.mean.append(mean)
      // The differences from the mean sum to 0, so that its own error does not count.
      var (squares, spread) = (0.0, 0.0)
      for row in 0..<x.rows {
        let difference = value(row).value - exact
        squares += w[row] * difference * difference
        spread += 4 * w[row] * w[row] * difference * difference * value(row).variance
      }
      variance.append(Bounded(squares / m, variance: spread / (m * m)))
    }
  }

  /// γ r and β + γ d.
  private func gain(_ feature: Int) -> Bounded { ratio.isEmpty ? scale(feature) : scale(feature) * ratio[feature] }
  private func middle(_ feature: Int) -> Bounded {
    ratio.isEmpty ? shift(feature) : shift(feature) + scale(feature) * offset[feature]
  }

  /// r = σ_B / σ and d = (μ_B − μ) / σ within their limits; none where nothing is renormalized. All rows share their errors.
  private func renormalize(by rows: Int) {
    (ratio, offset) = ([], [])
    guard usesBatch, let options = options.renormalization, batchCount > 0 else { return }
    let ramp = Double(options.rampTo - options.rampFrom)
    let passed = Double(batchCount - options.rampFrom)
    let progress = batchCount >= options.rampTo ? 1 : max(0, passed / ramp)
    let largestRatio = 1 + (options.maximumRatio - 1) * progress
    let largestOffset = options.maximumOffset * progress
    func limited(_ number: Bounded, _ low: Double, _ high: Double) -> Bounded {
      number.value < low ? Bounded(rounded: low) : number.value > high ? Bounded(rounded: high) : number
    }
    for feature in 0..<features {
      let (own, past) = (
        variance[feature].value + self.options.epsilon, runningVariance[feature].value + self.options.epsilon
      )
      let r = (own / past).squareRoot()
      let relative =
        variance[feature].rounded().variance / (4 * own * own)
        + runningVariance[feature].variance / (4 * past * past)
      ratio.append(
        limited(shared(Bounded(r, variance: r * r * relative).rounded(), by: rows), 1 / largestRatio, largestRatio))
      let d = (mean[feature].value - runningMean[feature].value) / past.squareRoot()
      let spread =
        (mean[feature].variance + runningMean[feature].variance) / past
        + d * d * runningVariance[feature].variance / (4 * past * past)
      offset.append(
        limited(shared(Bounded(d, variance: spread).rounded(), by: rows), -largestOffset, largestOffset))
    }
  }

  package override func backward(_ gradient: Matrix) -> Matrix {
    let dy = rows(gradient)
    let m = Bounded(Double(dy.rows))
    var weighted = dy
    for at in dy.values.indices { weighted.values[at] = dy.values[at] * normalized.values[at] }
    let dshift = (0..<features).map { columnSum(dy, $0) }
    let dscale = (0..<features).map { columnSum(weighted, $0) }
    if parameters[name + ".bias"] != nil { gradients[name + ".bias"] = dshift }
    if parameters[name + ".weight"] != nil {
      gradients[name + ".weight"] =
        ratio.isEmpty ? dscale : (0..<features).map { ratio[$0] * dscale[$0] + offset[$0] * dshift[$0] }
    }
    var dx = dy
    guard exampleWeights == nil || !usesBatch else {
      return Matrix(gradient.rows, gradient.columns, weightedGradient(dy, dshift, dscale))
    }
    let plain = dshift.map { shared($0 / m, by: dy.rows) }
    let along = dscale.map { shared($0 / m, by: dy.rows) }
    for at in dy.values.indices {
      let feature = at % features
      var inner = dy.values[at]
      if usesBatch { inner = (inner - plain[feature]) - normalized.values[at] * along[feature] }
      dx.values[at] = gain(feature) * inverse[feature] * inner
    }
    return Matrix(gradient.rows, gradient.columns, dx.values)
  }

  /// dx_i = γ r (dy_i − w_i/W (Σ dy + x̂_i Σ dy x̂)), the sums over all rows, whatever they weigh.
  private func weightedGradient(_ dy: Matrix, _ dshift: [Bounded], _ dscale: [Bounded]) -> [Bounded] {
    let total = rowWeights.reduce(0, +)
    let plain = dshift.map { shared($0, by: dy.rows) }
    let along = dscale.map { shared($0, by: dy.rows) }
    return dy.values.indices.map { at in
      let feature = at % features
      let slope = gain(feature) * inverse[feature]
      let through =
        Bounded(rounded: rowWeights[at / features] / total)
        * (plain[feature] + normalized.values[at] * along[feature])
      return slope * dy.values[at] - slope * through
    }
  }

  /// Folds the last batch into the running statistics; `share` is the part of a full batch that it was.
  package func commit(share: Double = 1) {
    guard !options.frozen else { return }
    batchCount += 1
    let weight: Double
    switch options.averaging {
    case .cumulative: weight = 1 / Double(batchCount)
    case .exponential(let decay):
      let past = pow(decay, share)
      weight = options.debiased ? (1 - past) / (1 - pow(decay, Double(batchCount - 1) + share)) : 1 - past
    }
    // Σ w, or Kish's effective number where weights are fractions.
    let total = rowWeights.reduce(0, +)
    let m = max(total, total * total / rowWeights.reduce(0) { $0 + $1 * $1 })
    let correction = options.runningVariance == .unbiased ? m / (m - 1) : 1
    func fold(_ running: inout Bounded, _ batch: Bounded) {
      running = Bounded(
        running.value + weight * (batch.value - running.value),
        variance: (1 - weight) * (1 - weight) * running.variance + weight * weight * batch.rounded().variance
      ).rounded()
    }
    for feature in 0..<features {
      fold(&runningMean[feature], mean[feature])
      fold(
        &runningVariance[feature],
        Bounded(variance[feature].value * correction, variance: variance[feature].variance * correction * correction))
    }
  }
}

/// Ghost batches as micro-batches: a norm for each, of which gradients are added and statistics folded in one after the other.
package final class ReferenceGhostNorm: ReferenceBatchNorm {
  private var parts: [(norm: ReferenceBatchNorm, rows: Int)] = []

  package override func forward(_ x: Matrix, training: Bool) -> Matrix {
    parts = []
    let size = options.ghostBatch!
    // As PyTorch's tensor_split into round(N / size) parts, none smaller than two.
    var count = Int((Double(x.rows) / Double(size)).rounded(.toNearestOrAwayFromZero))
    count = training && !options.frozen ? max(1, min(count, x.rows / 2)) : 1
    var y: [Bounded] = []
    var start = 0
    for index in 0..<count {
      let rows = x.rows / count + (index < x.rows % count ? 1 : 0)
      let norm = ReferenceBatchNorm(
        options, name, features: features, scale: parameters[name + ".weight"], shift: parameters[name + ".bias"])
      (norm.runningMean, norm.runningVariance, norm.batchCount) = (runningMean, runningVariance, batchCount)
      norm.exampleWeights = exampleWeights.map { Array($0[start..<start + rows]) }
      parts.append((norm, rows))
      y += norm.forward(Self.part(x, start, rows), training: training).values
      start += rows
    }
    return Matrix(x.rows, x.columns, y)
  }

  package override func backward(_ dy: Matrix) -> Matrix {
    var dx: [Bounded] = []
    var start = 0
    gradients = [:]
    for (norm, rows) in parts {
      dx += norm.backward(Self.part(dy, start, rows)).values
      gradients.merge(norm.gradients) { zip($0, $1).map { $0 + $1 } }
      start += rows
    }
    return Matrix(dy.rows, dy.columns, dx)
  }

  package override func commit(share: Double = 1) {
    guard !options.frozen else { return }
    for (norm, rows) in parts {
      (norm.runningMean, norm.runningVariance, norm.batchCount) = (runningMean, runningVariance, batchCount)
      norm.commit(share: min(1, Double(rows) / Double(options.ghostBatch!)))
      (runningMean, runningVariance, batchCount) = (norm.runningMean, norm.runningVariance, norm.batchCount)
    }
  }

  private static func part(_ x: Matrix, _ start: Int, _ rows: Int) -> Matrix {
    Matrix(rows, x.columns, Array(x.values[start * x.columns..<(start + rows) * x.columns]))
  }
}

/// Dropout with a given mask: y = x · mask / (1 − rate) in training, x in prediction.
package final class ReferenceDropout: ReferenceLayer {
  private let rate: Double
  /// True where a value is kept.
  package var mask: [Bool] = []
  /// True for training without it.
  package var isOff = false

  package init(rate: Double) { self.rate = rate }

  private func masked(_ x: Matrix) -> Matrix {
    let gain = Bounded(rounded: 1 / (1 - rate))
    return Matrix(x.rows, x.columns, zip(x.values, mask).map { $1 ? $0 * gain : Bounded(0.0) })
  }

  package override func forward(_ x: Matrix, training: Bool) -> Matrix { training && !isOff ? masked(x) : x }
  package override func backward(_ dy: Matrix) -> Matrix { masked(dy) }
}

/// Layers one after the other; in a residual block what the shortcut gives is added.
package final class ReferenceSequence: ReferenceLayer {
  package let layers: [ReferenceLayer]
  private let shortcut: ReferenceSequence?

  package init(_ layers: [ReferenceLayer], shortcut: ReferenceSequence? = nil) {
    self.layers = layers
    self.shortcut = shortcut
  }

  package override func forward(_ x: Matrix, training: Bool) -> Matrix {
    let y = layers.reduce(x) { $1.forward($0, training: training) }
    return shortcut.map { y + $0.forward(x, training: training) } ?? y
  }

  package override func backward(_ dy: Matrix) -> Matrix {
    let dx = layers.reversed().reduce(dy) { $1.backward($0) }
    return shortcut.map { dx + $0.backward(dy) } ?? dx
  }

  /// Every layer, those inside blocks included, but no block.
  package var leaves: [ReferenceLayer] {
    (layers + (shortcut?.layers ?? [])).flatMap { ($0 as? ReferenceSequence)?.leaves ?? [$0] }
  }
}
