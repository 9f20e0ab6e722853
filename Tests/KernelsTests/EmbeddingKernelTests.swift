import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import Kernels
import Testing

/// What `Tests/Fixtures/make_embeddings.py` made.
private struct Golden: Decodable {
  struct Transforms: Decodable {
    let values, probes, quantile, robust: [Float]
  }
  struct Vectors: Decodable {
    let edges: [Float]?
    let inputs, y, dx: [Float]
    let gradients: [[Float]]
  }
  let transforms: Transforms
  let piecewise, periodic: Vectors
}

private let golden = Fixture.json("embeddings.json", as: Golden.self)

/// Arrays that stay where they are for as long as this lives.
private final class Memory {
  private var blocks: [UnsafeMutableRawPointer] = []

  func keep<Value: BitwiseCopyable>(_ values: [Value]) -> UnsafeMutablePointer<Value> {
    let start = UnsafeMutablePointer<Value>.allocate(capacity: max(values.count, 1))
    start.initialize(from: values, count: values.count)
    blocks.append(UnsafeMutableRawPointer(start))
    return start
  }

  /// Room that holds nothing of use.
  func room(_ count: Int) -> UnsafeMutablePointer<Float> { keep(Array(repeating: Float(12345), count: count)) }

  deinit { for block in blocks { block.deallocate() } }
}

private func array(_ start: UnsafePointer<Float>, _ count: Int) -> [Float] {
  Array(UnsafeBufferPointer(start: start, count: count))
}

private func expectClose(
  _ actual: [Float], _ expected: [Float], within tolerance: Float, _ what: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard actual.count == expected.count else {
    Issue.record("\(what): \(actual.count) values instead of \(expected.count)", sourceLocation: sourceLocation)
    return
  }
  for (index, (value, right)) in zip(actual, expected).enumerated() {
    guard !(abs(value - right) <= tolerance * (1 + abs(right))) else { continue }
    Issue.record("\(what): value \(index) is \(value) instead of \(right)", sourceLocation: sourceLocation)
    return
  }
}

// Sums of twenty-two terms of size 1, of which some go through six bins.
private let tolerance: Float = 1e-5

@Test func piecewiseLinearVectorsAreThoseOfRtdlNumEmbeddings() {
  let (bins, width, count) = (6, 5, 3)
  let (memory, given) = (Memory(), golden.piecewise)
  let rows = given.inputs.count / count
  let (edges, x) = (memory.keep(given.edges!), memory.keep(given.inputs))
  let weights = memory.keep(wave(count * bins * width, 1.1, 0.5))
  let (slope, bias) = (memory.keep(wave(count * width, 1.3, 0.5)), memory.keep(wave(count * width, 1.5, 0.5)))
  let used = (0..<count).map { ek_used_bins(edges + $0 * (bins + 1), bins) }
  #expect(used == [6, 2, 6])
  let levels = memory.room(count * bins * width)
  for feature in 0..<count {
    let start = feature * bins * width
    ek_piecewise_levels(weights + start, bias + feature * width, bins, width, levels + start)
  }
  var layer = ek_piecewise(
    features: memory.keep([0, 1, 2]), rest: memory.keep([Int]()), used: memory.keep(used), count: count, rest_count: 0,
    bins: bins, width: width, edges: edges, weights: weights, slope: slope, levels: levels)
  let length = count * width
  let (y, dx) = (memory.room(rows * length), memory.room(rows * count))
  ek_piecewise_forward(&layer, x, rows, count, length, y)
  expectClose(array(y, rows * length), given.y, within: tolerance, "vectors")
  let dy = memory.keep(wave(rows * length, 1.9, 1))
  ek_piecewise_backward(&layer, x, dy, rows, count, length, dx)
  expectClose(array(dx, rows * count), given.dx, within: tolerance, "gradient of the input")
  let gradients = [memory.room(count * bins * width), memory.room(length), memory.room(length)]
  let sums = memory.room(bins * width)
  for feature in 0..<count {
    ek_piecewise_gradient(
      &layer, feature, x, dy, rows, count, length, sums, gradients[0] + feature * bins * width,
      gradients[1] + feature * width, gradients[2] + feature * width)
  }
  for (index, name) in ["weights", "slope", "bias"].enumerated() {
    let expected = given.gradients[index]
    expectClose(array(gradients[index], expected.count), expected, within: tolerance, "gradient of \(name)")
  }
}

@Test func periodicVectorsAreThoseOfRtdlNumEmbeddings() {
  let (frequencies, width, count) = (7, 5, 3)
  let (memory, given) = (Memory(), golden.periodic)
  let (rows, waves) = (given.inputs.count / count, 2 * frequencies)
  let x = memory.keep(given.inputs)
  let weights = wave(count * waves * width, 1.3, 0.5)
  let transposed = weights.indices.map { at in
    let (feature, place) = (at / (waves * width), at % (waves * width))
    return weights[(feature * waves + place % waves) * width + place / waves]
  }
  var layer = ek_periodic(
    features: memory.keep([0, 1, 2]), rest: memory.keep([Int]()), count: count, rest_count: 0,
    frequencies: frequencies, width: width, turns: memory.keep(wave(count * frequencies, 1.1, 0.8)),
    weights: memory.keep(weights), transposed: memory.keep(transposed), bias: memory.keep(wave(count * width, 1.5, 0.5))
  )
  let length = count * width
  let (y, dx, scratch) = (memory.room(rows * length), memory.room(rows * count), memory.room(2 * waves + width))
  ek_periodic_forward(&layer, x, rows, count, length, scratch, y)
  expectClose(array(y, rows * length), given.y, within: tolerance, "vectors")
  let dy = memory.keep(wave(rows * length, 1.9, 1))
  ek_periodic_backward(&layer, x, y, dy, rows, count, length, scratch, dx)
  // A slope of 2π 0.8 times sums of fourteen products.
  expectClose(array(dx, rows * count), given.dx, within: 2 * tolerance, "gradient of the input")
  let sizes = [frequencies, waves * width, width]
  let gradients = sizes.map { memory.room(count * $0) }
  for feature in 0..<count {
    ek_periodic_gradient(
      &layer, feature, x, y, dy, rows, count, length, scratch, gradients[0] + feature * sizes[0],
      gradients[1] + feature * sizes[1], gradients[2] + feature * sizes[2])
  }
  for (index, name) in ["frequencies", "weights", "bias"].enumerated() {
    let expected = given.gradients[index]
    expectClose(array(gradients[index], expected.count), expected, within: 2 * tolerance, "gradient of \(name)")
  }
}

/// cos(2πt) by its series.
private func cosine(_ turns: Double) -> Double {
  let x = 2 * Double.pi * turns
  var (term, sum) = (1.0, 1.0)
  for index in 1..<40 {
    term *= -x * x / Double((2 * index - 1) * 2 * index)
    sum += term
  }
  return sum
}

@Test func wavesHaveTheirDigitsFarFrom0() {
  let memory = Memory()
  // A float holds the fraction of each exactly, or is a whole number.
  let turns: [Float] = [0, 0.125, -0.25, 0.375, 0.5, 1.0625, -7.8125, 1000.25, -65535.625, 4_194_304.5, 1e20]
  var layer = ek_periodic(
    features: memory.keep([0]), rest: memory.keep([Int]()), count: 1, rest_count: 0, frequencies: 1, width: 2,
    turns: memory.keep([Float(1)]), weights: memory.keep([1, 0, 0, 1] as [Float]), transposed: memory.room(4),
    bias: memory.keep([2, 2] as [Float]))
  let (y, scratch) = (memory.room(2 * turns.count), memory.room(6))
  ek_periodic_forward(&layer, memory.keep(turns), turns.count, 1, 2, scratch, y)
  let expected = turns.flatMap { turn -> [Float] in
    let rest = Double(turn).truncatingRemainder(dividingBy: 1)
    return [Float(2 + cosine(rest)), Float(2 + cosine(rest - 0.25))]
  }
  expectClose(array(y, 2 * turns.count), expected, within: 2e-7, "waves")
}

@Test func everyNumberFindsItsEntryAndWhatIsNoneFindsTheFirst() {
  let memory = Memory()
  let x: [Float] = [0, 7, 0, 1, 8, 3, 2, 9, 4, -1, 9, -0.5, 2.9, 9, .infinity, .nan, 9, 3.99]
  let rows = x.count / 3
  var layer = ek_lookup(
    features: memory.keep([0, 2]), rest: memory.keep([1]), counts: memory.keep([3, 4]), starts: memory.keep([0, 3]),
    count: 2, rest_count: 1, width: 1, entries: memory.keep((0..<7).map { Float($0) }))
  let y = memory.room(rows * 3)
  ek_lookup_forward(&layer, memory.keep(x), rows, 3, 3, y)
  #expect(array(y, rows * 3) == [7, 0, 3, 8, 1, 6, 9, 2, 3, 9, 0, 3, 9, 2, 3, 9, 0, 6])
  let gradient = memory.room(7)
  let dy = memory.keep((0..<rows * 3).map { Float(1 << $0) })
  for feature in 0..<2 { ek_lookup_gradient(&layer, feature, memory.keep(x), dy, rows, 3, 3, gradient) }
  func sum(_ rows: [Int], _ column: Int) -> Float { rows.reduce(0) { $0 + Float(1 << ($1 * 3 + column)) } }
  let expected = [
    sum([0, 3, 5], 1), sum([1], 1), sum([2, 4], 1), sum([0, 2, 3, 4], 2), 0, 0, sum([1, 5], 2),
  ]
  #expect(array(gradient, 7) == expected)
}

/// The fixture's probes, bent by curves of its three columns.
private func bent(_ transform: NumericTransform, threads: Int) throws -> [Float] {
  let given = golden.transforms
  func table(_ values: [Float]) throws -> Dataset {
    try Dataset(
      values, shape: [3], targets: .values((0..<values.count / 3).map { Double($0) }, names: ["y"]))
  }
  let scaling = try InputScaling(fittedTo: table(given.values), numbers: transform)
  let memory = Memory()
  let result = memory.room(given.probes.count)
  try table(given.probes).gather(0, given.probes.count / 3, into: result, scaling: scaling, threads: threads)
  return array(result, given.probes.count)
}

@Test func numbersBecomeWhatScikitLearnMakesOfThem() throws {
  for threads in [1, 3] {
    // Quantiles are floats; where they lie close together their digits are those of the result.
    try expectClose(bent(.quantile, threads: threads), golden.transforms.quantile, within: 1e-5, "quantile")
    try expectClose(bent(.robust, threads: threads), golden.transforms.robust, within: 1e-6, "robust")
  }
}
