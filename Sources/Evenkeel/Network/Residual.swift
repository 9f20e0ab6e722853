import Kernels

/// s(x) + f(x), where f is a block of layers and s the shortcut past it (He et al. 2016).
public struct Residual: Layer {
  public static let kind = "residual"

  /// The path around a block.
  public enum Shortcut: Hashable, Sendable {
    /// x itself; the block keeps the shape.
    case identity
    /// A 1×1 convolution (or a `Dense`) with the stride that the block's output requires, normalized if the block is
    /// (option B of He et al. 2016).
    case projection
    /// Layers of its own, so that the block adds two networks: a linear map and a deep network, or the members of an average.
    case layers(LayerList)
  }

  /// The layers of f.
  public var block: LayerList
  /// The layers of s.
  public var shortcut: Shortcut

  /// A block of the layers that `block` lists.
  public init(shortcut: Shortcut = .identity, @LayerBuilder _ block: () -> [any Layer]) {
    self.init(shortcut: shortcut, block: LayerList(block()))
  }

  init(shortcut: Shortcut, block: LayerList) {
    self.shortcut = shortcut
    self.block = block
  }

  public func outputShape(for input: Shape) throws -> Shape {
    try Network(input: input, layers: [self]).outputShape()
  }

  public func makeOperation(for site: LayerSite) throws -> any LayerOperation {
    preconditionFailure("The layers of a residual block are lowered one by one.")
  }

  /// The prefix of the paths of the block's layers, for a block at `path`.
  static func blockPath(_ path: String) -> String { path + ".block." }
  /// The same for the layers of the shortcut.
  static func shortcutPath(_ path: String) -> String { path + ".shortcut." }

  /// The layers of the shortcut around a block that takes `input` and gives `output`.
  /// - Throws: `EvenkeelError` with code `usage` if no such shortcut gives `output`.
  func shortcut(from input: Shape, to output: Shape) throws -> [any Layer] {
    switch shortcut {
    case .identity:
      guard output == input else {
        throw EvenkeelError.usage(
          "residual: expected the block to give \(input), the shape that it takes, got \(output); a shortcut: projection may change it."
        )
      }
      return []
    case .projection:
      let layers = try projection(from: input, to: output)
      let projected = try layers.reduce(input) { try $1.outputShape(for: $0) }
      guard projected == output else {
        throw EvenkeelError.usage(
          "residual: no projection takes \(input) to \(output), the shape that the block gives; the nearest gives \(projected)."
        )
      }
      return layers
    case .layers(let layers):
      let shape = try Network(input: input, layers: layers).outputShape()
      guard shape == output else {
        throw EvenkeelError.usage(
          "residual: the shortcut gives \(shape); expected \(output), the shape that the block gives.")
      }
      return Array(layers)
    }
  }

  private func projection(from input: Shape, to output: Shape) throws -> [any Layer] {
    let norm = block.last { $0.norm != nil }?.withInitialScale(1)
    let bias: Bias = norm?.traits.contains(.removesConstants) == true ? .absent : .present
    let features = output.featureCount
    /// The stride that turns `from` pixels into `to`.
    func stride(_ from: Int, _ to: Int) -> Int { max(1, (from + to - 1) / max(to, 1)) }
    let projection: any Layer
    switch (input.rank, output.rank) {
    case (1, 1): projection = Dense(features, bias: bias, initialization: .leCun)
    case (2, 2):
      projection = Convolution1D(
        features, kernel: 1, stride: stride(input.dimensions[0], output.dimensions[0]), padding: .valid, bias: bias,
        initialization: .leCun)
    case (3, 3):
      projection = Convolution(
        features, kernel: 1,
        stride: Extent(
          height: stride(input.dimensions[0], output.dimensions[0]),
          width: stride(input.dimensions[1], output.dimensions[1])), padding: .valid, bias: bias,
        initialization: .leCun)
    default:
      throw EvenkeelError.usage("residual: no projection takes \(input) to \(output), the shape that the block gives.")
    }
    return [projection] + (norm.map { [$0] } ?? [])
  }

  private enum CodingKeys: String, CodingKey, CaseIterable { case shortcut, block }

  /// In files: a list of layers, or the keys `shortcut` and `block`.
  public init(from decoder: any Decoder) throws {
    guard let container = try? decoder.container(keyedBy: CodingKeys.self) else {
      self.init(shortcut: .identity, block: try LayerList(from: decoder))
      return
    }
    try decoder.requireNoOtherKeys(than: CodingKeys.allCases, in: Self.kind)
    self.init(
      shortcut: try container.value(.shortcut, default: .identity),
      block: try container.decode(LayerList.self, forKey: .block))
  }

  public func encode(to encoder: any Encoder) throws {
    guard shortcut != .identity else { return try block.encode(to: encoder) }
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(shortcut, forKey: .shortcut)
    try container.encode(block, forKey: .block)
  }
}

/// The sum at the end of a residual block, and the ReLU after it.
struct SumOperation: LayerOperation {
  let hasReLU: Bool

  var backwardReads: BackwardReads { hasReLU ? .output : [] }
  var worksInPlace: Bool { true }
  var passesGradient: Bool { true }
  var takesSlices: Bool { true }

  func forward(_ pass: ForwardPass) {
    let count = pass.rows * pass.outputLength
    if hasReLU {
      ek_add_relu(pass.input, pass.addend, count, pass.output)
    } else {
      ek_add(pass.input, pass.addend, count, pass.output, 1)
    }
  }

  func backward(_ pass: BackwardPass) {
    guard hasReLU else { return }
    ek_activation_backward(
      nil, pass.output, pass.outputGradient, pass.rows * pass.outputLength, EK_RELU, 0, pass.outputGradient)
  }
}

extension Layer {
  /// The layer as a block; nil if it is not one.
  var asBlock: Residual? { self as? Residual }
}

extension Residual.Shortcut: Codable {
  /// In files: `identity`, `projection`, or a list of layers.
  public init(from decoder: any Decoder) throws {
    guard let name = try? decoder.singleValueContainer().decode(String.self) else {
      self = .layers(try LayerList(from: decoder))
      return
    }
    switch name {
    case "identity": self = .identity
    case "projection": self = .projection
    default:
      throw EvenkeelError.usage("shortcut: expected identity, projection or a list of layers, got \"\(name)\".")
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .identity: try container.encode("identity")
    case .projection: try container.encode("projection")
    case .layers(let layers): try container.encode(layers)
    }
  }
}
