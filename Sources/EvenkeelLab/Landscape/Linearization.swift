import Evenkeel
import Kernels

/// One step of a network at a point of its loss surface: its value, its gradient, and the derivatives of both in a direction
/// (the R-operator of Pearlmutter 1994, "Fast exact multiplication by the Hessian").
///
/// The four functions are called in this order, the first two once per point, the others once per direction. Each
/// returns its own memory, `rows` × the length of its value. A tangent is nil where it is 0 for every direction: before
/// the first parameter. Gradients with respect to such values are not wanted.
protocol LinearStep: AnyObject {
  func forward(_ x: UnsafeMutablePointer<Float>, _ at: Linearization) throws -> UnsafeMutablePointer<Float>
  func backward(_ dy: UnsafeMutablePointer<Float>, _ at: Linearization) throws -> UnsafeMutablePointer<Float>?
  func forwardTangent(
    _ x: UnsafeMutablePointer<Float>?, _ at: Linearization
  ) throws -> UnsafeMutablePointer<Float>?
  func backwardTangent(
    _ dy: UnsafeMutablePointer<Float>, _ at: Linearization
  ) throws -> UnsafeMutablePointer<Float>?
}

/// The parameters at which a network is linearized, the direction, and where derivatives go.
final class Linearization {
  let layout: ParameterLayout
  let rows: Int
  let threads: Int
  /// w, and w with its biases at 0: layers that are linear in their input multiply a tangent by it.
  let point: ModelState
  let pointWithoutBias: ModelState
  /// v.
  let direction: ModelState
  /// ∇L(w) and H v.
  let gradient: AlignedFloats
  let product: AlignedFloats
  /// Room for a part of `product`.
  let part: AlignedFloats

  init(_ surface: LossSurface) throws {
    layout = surface.layout
    rows = surface.rows
    threads = surface.threads
    point = try ModelState(copying: surface.state)
    pointWithoutBias = try ModelState(copying: surface.state)
    direction = try ModelState(copying: surface.state)
    gradient = AlignedFloats(count: layout.count)
    product = AlignedFloats(count: layout.count)
    part = AlignedFloats(count: layout.count)
  }

  func move(to values: [Float]) {
    point.write { $0.parameters.start.update(from: values, count: layout.count) }
    pointWithoutBias.write { state in
      state.parameters.start.update(from: values, count: layout.count)
      for entry in layout.entries where entry.description.role == .bias {
        (state.parameters.start + entry.offset).update(repeating: 0, count: entry.count)
      }
    }
  }

  func turn(to values: [Float]) {
    direction.write { $0.parameters.start.update(from: values, count: layout.count) }
  }
}

/// Steps one after the other; in a residual block, the shortcut's output is added.
final class LinearSequence: LinearStep {
  private let steps: [any LinearStep]
  private let shortcut: LinearSequence?
  private let sums: [AlignedFloats]

  /// - Parameter shortcut: Given with the lengths of one input and one output example.
  init(_ steps: [any LinearStep], shortcut: (LinearSequence, inputs: Int, outputs: Int)? = nil, rows: Int = 0) {
    self.steps = steps
    self.shortcut = shortcut?.0
    // y, dx and their tangents.
    sums =
      shortcut.map { [$0.outputs, $0.inputs, $0.outputs, $0.inputs].map { AlignedFloats(count: rows * $0) } } ?? []
  }

  func forward(_ x: UnsafeMutablePointer<Float>, _ at: Linearization) throws -> UnsafeMutablePointer<Float> {
    let y = try steps.reduce(x) { try $1.forward($0, at) }
    return try shortcut.map { add(y, try $0.forward(x, at), 0)! } ?? y
  }

  func backward(_ dy: UnsafeMutablePointer<Float>, _ at: Linearization) throws -> UnsafeMutablePointer<Float>? {
    let dx = try back(dy) { try $0.backward($1, at) }
    return try shortcut.map { add(dx, try $0.backward(dy, at), 1) } ?? dx
  }

  func forwardTangent(
    _ x: UnsafeMutablePointer<Float>?, _ at: Linearization
  ) throws -> UnsafeMutablePointer<Float>? {
    let y = try steps.reduce(x) { try $1.forwardTangent($0, at) }
    return try shortcut.map { add(y, try $0.forwardTangent(x, at), 2) } ?? y
  }

  func backwardTangent(
    _ dy: UnsafeMutablePointer<Float>, _ at: Linearization
  ) throws -> UnsafeMutablePointer<Float>? {
    let dx = try back(dy) { try $0.backwardTangent($1, at) }
    return try shortcut.map { add(dx, try $0.backwardTangent(dy, at), 3) } ?? dx
  }

  /// From the last step to the first that gives a gradient.
  private func back(
    _ dy: UnsafeMutablePointer<Float>,
    _ body: (any LinearStep, UnsafeMutablePointer<Float>) throws -> UnsafeMutablePointer<Float>?
  ) rethrows -> UnsafeMutablePointer<Float>? {
    var gradient: UnsafeMutablePointer<Float>? = dy
    for step in steps.reversed() {
      guard let given = gradient else { return nil }
      gradient = try body(step, given)
    }
    return gradient
  }

  private func add(
    _ a: UnsafeMutablePointer<Float>?, _ b: UnsafeMutablePointer<Float>?, _ place: Int
  ) -> UnsafeMutablePointer<Float>? {
    guard let a, let b else { return a ?? b }
    let sum = sums[place]
    ek_add(a, b, sum.count, sum.start, 1)
    return sum.start
  }
}
