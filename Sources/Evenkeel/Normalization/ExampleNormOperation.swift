import Kernels

/// Layer, group, instance and RMS norm: those that normalize each example separately.
protocol ExampleNorm: Layer {
  var epsilon: Double { get }
  var initialScale: Double { get set }
  /// False if the mean is not subtracted.
  var isCentered: Bool { get }
  /// Which values are normalized together.
  /// - Throws: `EvenkeelError` with code `usage` if there is nothing to normalize.
  func sets(for input: Shape) throws -> NormSets
}

/// How one example's values are divided into sets that are normalized separately: `blocks` runs of memory, one after
/// the other, each of `positions` times the features, and these in `groups`.
struct NormSets: Hashable, Sendable {
  var blocks = 1
  var positions = 1
  var groups = 1

  init(positions: Int, groups: Int) {
    self.positions = positions
    self.groups = groups
  }

  /// All features at each position.
  init(eachPositionOf input: Shape) { blocks = input.count / max(input.featureCount, 1) }
}

extension ExampleNorm {
  var isCentered: Bool { true }
  public var traits: LayerTraits { .passesThrough }

  public func withInitialScale(_ scale: Double) -> Self {
    var norm = self
    norm.initialScale = scale
    return norm
  }

  public func outputShape(for input: Shape) throws -> Shape {
    try norm?.validate(Self.kind)
    _ = try sets(for: input)
    return input
  }

  public func makeOperation(for site: LayerSite) throws -> any LayerOperation {
    ExampleNormOperation(self, try sets(for: site.input), site: site)
  }
}

/// Layer, group, instance and RMS norm: the same in training and in prediction. The scratch of a slice holds its statistics,
/// that of the batch the sums of all slices for the gradients of γ and β.
struct ExampleNormOperation: LayerOperation {
  private let kind: String
  private let name: String
  private let sets: NormSets
  private let features: Int
  private let epsilon: Double
  private let isCentered: Bool
  private let hasScale: Bool
  private let hasShift: Bool
  /// The number of sets in the largest slice.
  private let setCount: Int
  let scratchCount: Int
  let workspaceCount: Int

  init(_ layer: some ExampleNorm, _ sets: NormSets, site: LayerSite) {
    kind = type(of: layer).kind
    name = site.name
    self.sets = sets
    features = site.input.featureCount
    (epsilon, isCentered) = (layer.epsilon, layer.isCentered)
    (hasScale, hasShift) = (layer.norm?.learnsScale == true, layer.norm?.learnsShift == true)
    var largest = ek_group_norm(
      examples: site.maximumSlice * sets.blocks, positions: sets.positions, channels: features, groups: sets.groups,
      epsilon: epsilon, centered: isCentered ? 1 : 0, scale: nil, shift: nil)
    workspaceCount = 2 * ek_group_norm_scratch(&largest)
    setCount = site.maximumSlice * sets.blocks * sets.groups
    scratchCount = site.purpose == .training ? 2 * site.maximumSlices * ek_slice_stride(features) : 0
  }

  var worksInPlace: Bool { true }
  var backwardWorksInPlace: Bool { true }
  var takesSlices: Bool { true }
  var sliceScratchCount: Int { 3 * setCount }
  var gradientBlocks: Int { hasScale || hasShift ? 1 : 0 }

  private func norm(_ pass: ForwardPass) -> ek_group_norm {
    ek_group_norm(
      examples: pass.rows * sets.blocks, positions: sets.positions, channels: features, groups: sets.groups,
      epsilon: epsilon, centered: isCentered ? 1 : 0, scale: hasScale ? pass.parameter(0) : nil,
      shift: hasShift ? pass.parameter(shiftIndex) : nil)
  }

  private var shiftIndex: Int { hasScale ? 1 : 0 }

  private func doubles(_ memory: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<Double> {
    UnsafeMutableRawPointer(memory).assumingMemoryBound(to: Double.self)
  }

  private func statistics(_ pass: ForwardPass) -> ek_group_statistics {
    let start = pass.sliceScratch
    return ek_group_statistics(
      mean_high: start, mean_low: start + setCount, inverse_deviation: start + 2 * setCount)
  }

  func forward(_ pass: ForwardPass) throws {
    var norm = norm(pass)
    let bad = ek_group_norm_forward(&norm, pass.input, pass.output, statistics(pass), doubles(pass.workspace))
    // A prediction that is not finite does not affect the others.
    guard bad < 0 || pass.purpose == .prediction else {
      let example = pass.slices[pass.slice].lowerBound + bad / sets.blocks
      throw EvenkeelError.data(
        "Layer \(name) (\(kind)) got a value that is not finite in example \(example) of the batch")
    }
  }

  func backward(_ pass: BackwardPass) throws {
    var norm = norm(pass.forward)
    ek_group_norm_backward(
      &norm, pass.input, pass.outputGradient, statistics(pass.forward),
      doubles(pass.scratch) + pass.forward.slice * ek_slice_stride(features), pass.inputGradient,
      doubles(pass.workspace))
  }

  func gatherRows(_ pass: BackwardPass) throws {
    try pass.forward.exchange?.merge(
      0..<pass.forward.sliceCount, of: doubles(pass.scratch), features: features, SliceMerge.sums)
  }

  func parameterGradients(_ pass: BackwardPass, block: Int) throws {
    let sums = doubles(pass.scratch)
    ek_merge_sums(sums, pass.forward.sliceCount, features)
    let second = sums + ek_slice_second(features)
    for feature in 0..<features {
      if hasScale { pass.parameterGradient(0)[feature] = Float(second[feature]) }
      if hasShift { pass.parameterGradient(shiftIndex)[feature] = Float(sums[feature]) }
    }
  }
}
