import Evenkeel
import EvenkeelLab
import EvenkeelReference

/// A surface, and the reference of the same network on the same data.
struct SurfaceCase {
  let surface: LossSurface
  private let model: Model
  private let inputs: Matrix
  private let targets: [Double]
  private let loss: ReferenceLoss

  init(_ network: Network, rows: Int, loss: ReferenceLoss = .softmax(smoothing: 0), seed: Int = 1) throws {
    var numbers = Numbers(seed)
    var model = try Model(network)
    for parameter in model.parameters {
      // Rows of weights with a norm near 1, scales near 1.
      let shape = parameter.values.shape
      let fanIn = Double(shape.count / shape.dimensions[0])
      let size = parameter.role == .weight ? Float((3 / fanIn).squareRoot()) : 0.5
      let middle: Float = parameter.role == .scale ? 1 : 0
      try model.setParameter(
        parameter.name, to: Tensor(numbers.many(shape.count).map { middle + size * $0 }, shape: shape))
    }
    let values = numbers.many(rows * network.input.count)
    let targets = Targets.made(for: loss, rows: rows, outputs: try network.outputShape().count, &numbers)
    let data = try Dataset(values, shape: network.input, targets: targets.real)
    surface = try LossSurface(model, examples: data, loss: loss.real)
    self.model = model
    inputs = Matrix(rows, network.input.count, try InputScaling(fittedTo: data).scaled(values))
    self.targets = targets.values
    self.loss = loss
  }

  func direction(_ seed: Int) -> [Float] {
    var numbers = Numbers(seed)
    var direction = [Float](repeating: 0, count: surface.count)
    for index in surface.ranges().joined() { direction[index] = numbers.next() }
    return direction
  }

  /// ∇L(w + step · v) in Double.
  func referenceGradient(_ v: [Float] = [], step: Double = 0) throws -> [Double] {
    let reference = try ReferenceNetwork(model)
    let before = reference.parameters
    var moved = before
    for name in before.keys where step != 0 {
      let start = surface.ranges { other, _ in other == name }[0].lowerBound
      moved[name] = before[name]!.enumerated().map { Bounded($1.value + step * Double(v[start + $0])) }
    }
    reference.parameters = moved
    _ = reference.step(inputs, loss, targets)
    var gradient = [Double](repeating: 0, count: surface.count)
    for (name, values) in reference.gradients {
      let start = surface.ranges { other, _ in other == name }[0].lowerBound
      for (index, value) in values.enumerated() { gradient[start + index] = value.value }
    }
    return gradient
  }

  /// H v by central differences of the reference's gradient.
  func referenceProduct(_ v: [Float]) throws -> [Double] {
    let step = 0x1p-16
    return try zip(referenceGradient(v, step: step), referenceGradient(v, step: -step)).map { ($0 - $1) / (2 * step) }
  }
}
