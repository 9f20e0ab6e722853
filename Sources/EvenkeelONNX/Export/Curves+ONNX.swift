import Evenkeel

extension ONNXGraphBuilder {
  /// Rows of `width` standardized values, some of them bent as `curves` says.
  mutating func bent(_ value: String, by curves: InputCurves, width: Int) -> String {
    var (center, scale) = ([Float](repeating: 0, count: width), [Float](repeating: 1, count: width))
    var third = [Double](repeating: 0, count: width)
    var (ranked, nodes): ([Int], [[Float]]) = ([], [])
    for (feature, curve) in zip(curves.features, curves.curves) {
      switch curve {
      case .robust(let middle, let factor): (center[feature], scale[feature], third[feature]) = (middle, factor, 1 / 3)
      case .quantile(let values):
        ranked.append(feature)
        nodes.append(values)
      }
    }
    var value = value
    if third.contains(where: { $0 > 0 }) { value = softlyLimited(value, center, scale, third) }
    guard !ranked.isEmpty else { return value }
    let normal = normalized(columns(ranked, of: value, width: width, at: Self.site), nodes)
    // The bent features lie behind all others.
    let all = add("Concat", at: Self.site, [value, normal], ["axis": .integer(1)])
    let places = (0..<width).map { feature in ranked.firstIndex(of: feature).map { width + $0 } ?? feature }
    return columns(places, of: all, width: width + ranked.count, at: Self.site)
  }

  private static let site = "curves"

  /// u / √(1 + (u/3)²) of u = (x − center) · scale; u where `third` is 0 and not 1/3.
  private mutating func softlyLimited(
    _ value: String, _ center: [Float], _ scale: [Float], _ third: [Double]
  ) -> String {
    let at = Self.site, count = [center.count]
    let difference = add("Sub", at: at, [value, constant(ONNXTensor("\(at).center", count, floats: center))])
    let scaled = add("Mul", at: at, [difference, constant(ONNXTensor("\(at).scale", count, floats: scale))])
    // Squares of values far away exceed floats.
    let u = cast(scaled, to: .double, at: at)
    let part = add("Mul", at: at, [u, constant(ONNXTensor("\(at).third", count, doubles: third))])
    let sum = add("Add", at: at, [add("Mul", at: at, [part, part]), double("\(at).one", 1)])
    return cast(add("Div", at: at, [u, add("Sqrt", at: at, [sum])]), to: .float, at: at)
  }

  /// The normal distribution's quantile of the place of each value among the nodes of its feature; the place of a value
  /// that equals several nodes is in the middle of them.
  /// - Parameter nodes: Of each feature, ascending.
  private mutating func normalized(_ x: String, _ nodes: [[Float]]) -> String {
    let at = Self.site, features = nodes.count, most = nodes.map(\.count).max()!
    let padded = nodes.flatMap { $0 + [Float](repeating: .infinity, count: most - $0.count) }
    let table = constant(ONNXTensor("\(at).nodes", [features, most], floats: padded))
    let column = reshape(x, to: [features, 1], at: at)
    let below = count(add("Less", at: at, [table, column]))
    let notAbove = count(add("LessOrEqual", at: at, [table, column]))
    let one = constant(ONNXTensor("\(at).first", [], integers: [1]))
    let zero = constant(ONNXTensor("\(at).none", [], integers: [0]))
    let last = constant(ONNXTensor("\(at).last", [features], integers: nodes.map { $0.count - 1 }))
    // The nodes around a value; twice the same for one beyond all nodes.
    let low = add("Max", at: at, [add("Sub", at: at, [below, one]), zero])
    let high = add("Min", at: at, [below, last])
    let flat = constant(ONNXTensor("\(at).values", [padded.count], doubles: padded.map(Double.init)))
    let starts = constant(ONNXTensor("\(at).starts", [features], integers: nodes.indices.map { $0 * most }))
    let (left, right) = (
      add("Gather", at: at, [flat, add("Add", at: at, [low, starts])]),
      add("Gather", at: at, [flat, add("Add", at: at, [high, starts])])
    )
    let gap = add("Sub", at: at, [right, left]), nothing = double("\(at).zero", 0)
    let share = add("Div", at: at, [add("Sub", at: at, [cast(x, to: .double, at: at), left]), gap])
    let isBetween = add("Greater", at: at, [gap, nothing])
    let between = add(
      "Add", at: at, [cast(low, to: .double, at: at), add("Where", at: at, [isBetween, share, nothing])])
    let ends = add("Sub", at: at, [add("Add", at: at, [below, notAbove]), one])
    let middle = add("Mul", at: at, [cast(ends, to: .double, at: at), double("\(at).half", 0.5)])
    let isEqual = add("Greater", at: at, [notAbove, below])
    let place = add("Where", at: at, [isEqual, middle, between])
    let whole = constant(ONNXTensor("\(at).lengths", [features], doubles: nodes.map { Double($0.count - 1) }))
    return cast(normalQuantile(add("Div", at: at, [place, whole]), at: at), to: .float, at: at)
  }

  /// How often `truth` holds along its last axis, the third.
  private mutating func count(_ truth: String) -> String {
    let axes = constant(ONNXTensor("\(Self.site).axes", [1], integers: [2]))
    return add(
      "ReduceSum", at: Self.site, [cast(truth, to: .int64, at: Self.site), axes], ["keepdims": .integer(0)])
  }
}
