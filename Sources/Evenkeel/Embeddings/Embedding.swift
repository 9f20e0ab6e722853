import Kernels

/// Turns each category into a vector that is learned.
///
/// An embedded feature holds a category's number, 0 ..< count; whatever else it holds stands for entry 0. In a table entry 0
/// is for what training never saw and entry 1 for what is missing.
///
/// Input `[features]`, output `[others + embedded · width]`: the other features as they are, then the vectors of the embedded
/// ones in the order of `features`.
public struct Embedding: Layer {
  public static let kind = "embedding"
  /// The number of entries of each embedded feature.
  public var counts: [Int]
  /// The length of a vector.
  public var width: Int
  /// The features that are embedded; nil for all.
  public var features: [Int]?

  /// A layer with these options; `outputShape(for:)` checks them.
  public init(counts: [Int], width: Int = 8, features: [Int]? = nil) {
    self.counts = counts
    self.width = width
    self.features = features
  }

  public func outputShape(for input: Shape) throws -> Shape {
    let features = try ChosenFeatures(features, of: input, kind: Self.kind)
    guard counts.count == features.chosen.count, counts.allSatisfy({ (1...1 << 24).contains($0) }) else {
      throw EvenkeelError.usage(
        "embedding: counts are \(counts); expected one for each of \(features.chosen.count) features, from 1 to \(1 << 24)."
      )
    }
    guard (1...4096).contains(width) else {
      throw EvenkeelError.usage("embedding: width is \(width); expected 1 to 4096.")
    }
    return [features.rest.count + features.chosen.count * width]
  }

  public func parameters(for input: Shape) throws -> [ParameterDescription] {
    [
      ParameterDescription(
        name: "weight", shape: [counts.reduce(0, +), width], role: .embedding,
        start: .weights(.leCun, inputs: width, outputs: width))
    ]
  }

  public func makeOperation(for site: LayerSite) throws -> any LayerOperation {
    EmbeddingOperation(self, try ChosenFeatures(features, of: site.input, kind: Self.kind))
  }

  private enum CodingKeys: String, CodingKey { case counts, width, features }
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      counts: try container.decode([Int].self, forKey: .counts), width: try container.value(.width, default: 8),
      features: try container.decodeIfPresent([Int].self, forKey: .features))
  }
}

private struct EmbeddingOperation: LayerOperation {
  private let width: Int
  private let features, rest, counts, starts: FixedIndices

  init(_ layer: Embedding, _ features: ChosenFeatures) {
    width = layer.width
    self.features = FixedIndices(features.chosen)
    rest = FixedIndices(features.rest)
    counts = FixedIndices(layer.counts)
    starts = FixedIndices(layer.counts.indices.map { layer.counts[..<$0].reduce(0, +) })
  }

  var takesSlices: Bool { true }

  private func kernel(_ pass: ForwardPass) -> ek_lookup {
    ek_lookup(
      features: features.start, rest: rest.start, counts: counts.start, starts: starts.start, count: features.count,
      rest_count: rest.count, width: width, entries: pass.parameter(0))
  }

  func forward(_ pass: ForwardPass) {
    var kernel = kernel(pass)
    ek_lookup_forward(&kernel, pass.input, pass.rows, pass.inputLength, pass.outputLength, pass.output)
  }

  /// A category's number has no gradient.
  func backward(_ pass: BackwardPass) {
    guard let inputGradient = pass.inputGradient else { return }
    for row in 0..<pass.rows {
      let (to, from) = (inputGradient + row * pass.inputLength, pass.outputGradient + row * pass.outputLength)
      for index in 0..<features.count { to[features.start[index]] = 0 }
      for index in 0..<rest.count { to[rest.start[index]] = from[index] }
    }
  }

  var gradientBlocks: Int { features.count }

  func parameterGradients(_ pass: BackwardPass, block: Int) {
    var kernel = kernel(pass.forward)
    ek_lookup_gradient(
      &kernel, block, pass.input, pass.outputGradient, pass.rows, pass.inputLength, pass.outputLength,
      pass.parameterGradient(0))
  }
}
