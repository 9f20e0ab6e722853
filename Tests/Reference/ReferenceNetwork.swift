import Evenkeel
import Glibc

/// A network of reference layers with the parameters and running statistics of a model.
package final class ReferenceNetwork {
  private let layers: ReferenceSequence
  /// By their paths: `1`, `3.block.1`.
  package private(set) var norms: [String: ReferenceBatchNorm] = [:]
  package private(set) var dropouts: [ReferenceDropout] = []
  /// The members of an ensemble; 1 for a network that is none.
  package let members: Int

  /// - Parameter fitted: The model with the buffers that follow from training data; nil for `model`.
  package init(_ model: Model, fitted: Model? = nil) throws {
    members = try model.network.placed().members
    let state = (fitted ?? model).state
    let parameters = Dictionary(
      uniqueKeysWithValues: model.parameters.map { ($0.name, $0.values.values.map { Bounded($0) }) })
    let statistics = Dictionary(uniqueKeysWithValues: model.runningStatistics.map { ($0.name, $0.statistics) })
    var shape = model.network.input
    var norms: [String: ReferenceBatchNorm] = [:]
    var dropouts: [ReferenceDropout] = []
    var isInput = true
    func sequence(
      _ layers: [any Layer], prefix: String, shortcut: ReferenceSequence? = nil
    ) throws -> ReferenceSequence {
      var result: [ReferenceLayer] = []
      for (index, layer) in layers.enumerated() {
        let name = prefix + String(index)
        let before = shape
        switch layer {
        case let dense as Dense:
          result.append(
            ReferenceDense(
              name, units: dense.units, weight: parameters[name + ".weight"]!, bias: parameters[name + ".bias"]))
        case let options as BatchNorm:
          let kind = options.ghostBatch == nil ? ReferenceBatchNorm.self : ReferenceGhostNorm.self
          let norm = kind.init(
            options, name, features: shape.featureCount, scale: parameters[name + ".weight"],
            shift: parameters[name + ".bias"])
          norm.runningMean = statistics[name]!.mean.map { Bounded($0) }
          norm.runningVariance = statistics[name]!.variance.map { Bounded($0) }
          norm.batchCount = statistics[name]!.batchCount
          norms[name] = norm
          result.append(norm)
        case is Reshape: break
        case let dropout as Dropout:
          dropouts.append(ReferenceDropout(rate: dropout.rate))
          result.append(dropouts.last!)
        case let residual as Residual:
          let shortcut = try sequence(Self.projection(residual, from: shape), prefix: name + ".shortcut.")
          shape = before
          result.append(try sequence(Array(residual.block), prefix: name + ".block.", shortcut: shortcut))
        case is Flatten:
          // An image without channels that is the network's input keeps its order.
          if shape.rank > 2 || (shape.rank == 2 && !isInput) {
            result.append(ReferenceTranspose(channels: shape.featureCount))
          }
        default:
          if let layer = referenceImageLayer(
            layer, name, input: shape, weight: parameters[name + ".weight"], bias: parameters[name + ".bias"])
          {
            result.append(layer)
            break
          }
          if let norm = ReferenceExampleNorm(
            layer, name, input: shape, scale: parameters[name + ".weight"], shift: parameters[name + ".bias"])
          {
            result.append(norm)
            break
          }
          let edges = {
            Array(UnsafeBufferPointer(start: state.buffers(of: name).values(0), count: $0))
          }
          let bins = (layer as? PiecewiseLinear).map { ($0.bins + 1) * ($0.features?.count ?? shape.count) } ?? 0
          if let layer = referenceEmbedding(
            layer, name, input: shape, parameters: parameters, edges: { edges(bins) })
          {
            result.append(layer)
            break
          }
          guard let function = ReferenceFunction(layer) else { fatalError("No reference for \(layer).") }
          result.append(ReferenceActivation(function))
        }
        isInput = false
        shape = try layer.outputShape(for: before)
      }
      return ReferenceSequence(result, shortcut: shortcut)
    }
    layers = try sequence(Array(model.network.layers), prefix: "")
    self.norms = norms
    self.dropouts = dropouts
  }

  /// The layers of a projection shortcut as PyTorch's users write them: a 1×1 convolution and a norm like the block's.
  private static func projection(_ residual: Residual, from shape: Shape) throws -> [any Layer] {
    guard residual.shortcut == .projection else { return [] }
    let output = try residual.outputShape(for: shape)
    func stride(_ axis: Int) -> Int { (shape.dimensions[axis] + output.dimensions[axis] - 1) / output.dimensions[axis] }
    let norm = residual.block.last {
      $0 is BatchNorm || $0 is LayerNorm || $0 is GroupNorm || $0 is InstanceNorm || $0 is RMSNorm
    }
    // These two take the bias away again.
    let bias: Bias = norm is BatchNorm || norm is InstanceNorm ? .absent : .present
    let projection: any Layer =
      switch shape.rank {
      case 1: Dense(output.featureCount, bias: bias)
      case 2: Convolution1D(output.featureCount, kernel: 1, stride: stride(0), padding: .valid, bias: bias)
      default:
        Convolution(
          output.featureCount, kernel: 1, stride: Extent(height: stride(0), width: stride(1)), padding: .valid,
          bias: bias)
      }
    return norm.map { [projection, $0] } ?? [projection]
  }

  package var parameters: [String: [Bounded]] {
    get { layers.leaves.reduce(into: [:]) { $0.merge($1.parameters) { $1 } } }
    set { for layer in layers.leaves { for name in layer.parameters.keys { layer.parameters[name] = newValue[name] } } }
  }

  package var gradients: [String: [Bounded]] { layers.leaves.reduce(into: [:]) { $0.merge($1.gradients) { $1 } } }

  package func forward(_ x: Matrix, training: Bool) -> Matrix { layers.forward(x, training: training) }

  /// The mean loss of a training step's forward pass; the gradients are left in `gradients`.
  /// - Parameter weights: What the examples count; nil for 1 each.
  package func step(_ x: Matrix, _ loss: ReferenceLoss, _ targets: [Double], weights: [Double]? = nil) -> Bounded {
    for norm in norms.values { norm.exampleWeights = weights }
    let outputs = forward(x, training: true)
    // The mean of the members' losses: each is an example.
    let width = outputs.columns / members
    func each<Value>(_ values: [Value], _ length: Int) -> [Value] {
      (0..<x.rows).flatMap { row in
        Array(repeating: Array(values[row * length..<(row + 1) * length]), count: members).flatMap { $0 }
      }
    }
    let (value, gradient) = loss.evaluate(
      Matrix(x.rows * members, width, outputs.values), each(targets, width), weights: weights.map { each($0, 1) })
    _ = layers.backward(Matrix(x.rows, outputs.columns, gradient.values))
    return value
  }

  /// What an untrained model predicts: the means of the members' values.
  package func predict(_ x: Matrix) -> Matrix {
    let outputs = forward(x, training: false)
    let width = outputs.columns / members
    guard members > 1 else { return outputs }
    return Matrix(
      x.rows, width,
      (0..<x.rows * width).map { at in
        let values = (0..<members).map { outputs.values[(at / width * members + $0) * width + at % width] }
        let count = Double(members)
        return Bounded(
          values.reduce(0) { $0 + $1.value } / count, variance: values.reduce(0) { $0 + $1.variance } / (count * count)
        ).rounded()
      })
  }

  package func commit() { for norm in norms.values { norm.commit() } }
}

/// A loss from its formula: the mean over a batch, and its gradient.
package enum ReferenceLoss: Sendable {
  case softmax(smoothing: Double), sigmoid, squared, huber(delta: Double)

  /// The one to compare with.
  package var real: Loss {
    switch self {
    case .softmax(let smoothing): .softmaxCrossEntropy(labelSmoothing: smoothing)
    case .sigmoid: .sigmoidCrossEntropy
    case .squared: .meanSquaredError
    case .huber(let delta): .huber(delta: delta)
    }
  }

  /// - Parameter targets: One number an output: 1 for the right class and 0 for the others, or values.
  /// - Parameter weights: What the rows count, nil for 1 each; the mean is Σ w l / Σ w.
  package func evaluate(
    _ outputs: Matrix, _ targets: [Double], weights: [Double]? = nil
  ) -> (mean: Bounded, gradient: Matrix) {
    let (rows, width) = (outputs.rows, outputs.columns)
    let weights = weights ?? Array(repeating: 1, count: rows)
    let weight = weights.reduce(0, +)
    var gradient = outputs
    // Losses are summed in Double; their factors are rounded.
    var (total, variance) = (0.0, 0.0)
    func add(_ loss: Bounded, _ weight: Double) {
      total += weight * loss.value
      variance += weight * weight * loss.variance
    }
    func mean(_ count: Double) -> Bounded { Bounded(total / count, variance: variance / (count * count)).rounded(4) }
    if case .softmax(let smoothing) = self {
      for row in 0..<rows {
        let range = row * width..<(row + 1) * width
        let t = targets[range].map { $0 * (1 - smoothing) + smoothing / Double(width) }
        let (loss, slopes) = Self.softmax(Array(outputs.values[range]), t)
        add(loss, weights[row])
        for (at, slope) in zip(range, slopes) { gradient.values[at] = slope * Bounded(rounded: weights[row] / weight) }
      }
      return (mean(weight), gradient)
    }
    for (at, z) in outputs.values.enumerated() {
      let (loss, slope) = element(z, targets[at])
      let own = weights[at / width]
      add(loss, own)
      gradient.values[at] = slope * Bounded(rounded: own / weight / Double(width))
    }
    return (mean(weight * Double(width)), gradient)
  }

  /// −Σ t log p and p − t with p = softmax(z); exponentials have a relative error below 8 u.
  private static func softmax(_ z: [Bounded], _ t: [Double]) -> (Bounded, [Bounded]) {
    let top = z.map(\.value).max()!
    let sum = z.reduce(0) { $0 + exp($1.value - top) }
    let p = z.map { exp($0.value - top) / sum }
    // The difference from the largest is rounded too; the error of the exponential's logarithm is what it comes to.
    let exponents = z.map {
      $0.variance + Bounded.rounding($0.value - top) + Bounded(0.0, error: 8 * Bounded.u).variance
    }
    let loss = zip(z, t).reduce(0) { $0 + $1.1 * (log(sum) + top - $1.0.value) }
    let lossVariance = z.indices.reduce(0) {
      $0 + (p[$1] - t[$1]) * (p[$1] - t[$1]) * z[$1].variance + p[$1] * p[$1] * (exponents[$1] - z[$1].variance)
    }
    let shared = z.indices.reduce(0) { $0 + p[$1] * p[$1] * exponents[$1] }
    return (
      Bounded(loss, variance: lossVariance),
      z.indices.map {
        let own = (1 - 2 * p[$0]) * exponents[$0] + shared
        return Bounded(p[$0], variance: p[$0] * p[$0] * own).rounded(2) - Bounded(rounded: t[$0])
      }
    )
  }

  /// Loss and slope of one output.
  private func element(_ z: Bounded, _ t: Double) -> (Bounded, Bounded) {
    switch self {
    case .softmax: fatalError("Softmax takes a row at once.")
    case .sigmoid:
      let e = exp(-abs(z.value))
      let p = (z.value < 0 ? e : 1) / (1 + e)
      return (
        Bounded(max(z.value, 0) - z.value * t + log1p(e), variance: (p - t) * (p - t) * z.variance),
        Bounded(p - t, variance: p * p * (1 - p) * (1 - p) * z.variance).rounded()
      )
    case .squared:
      let e = z - Bounded(t)
      return (Bounded(e.value * e.value, variance: 4 * e.value * e.value * e.variance), e * Bounded(2.0))
    case .huber(let delta):
      let e = z - Bounded(t)
      let size = abs(e.value)
      let slope = min(size, delta)
      return (
        Bounded(size <= delta ? size * size / 2 : delta * (size - delta / 2), variance: slope * slope * e.variance),
        size <= delta ? e : Bounded(rounded: e.value < 0 ? -delta : delta)
      )
    }
  }
}
