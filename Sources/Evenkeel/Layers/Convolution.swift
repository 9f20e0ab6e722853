/// A convolution over images `[H, W, C]`: each output pixel is W · (the window of the input around it) + b.
///
/// W has PyTorch's shape `[filters, C / groups, height, width]`. (LeCun et al. 1989; as usual in the field, a
/// cross-correlation: the kernel is not flipped.)
public struct Convolution: Layer {
  public static let kind = "convolution"
  /// The number of output channels.
  public var filters: Int
  /// The window.
  public var kernel: Extent
  /// Pixels from one window to the next.
  public var stride: Extent
  /// What surrounds the image.
  public var padding: Padding
  /// Pixels from one point of the window to the next; 1 skips none.
  public var dilation: Extent
  /// The number of parts into which input and output channels are divided; parts do not mix.
  public var groups: Int
  /// Whether b is learned.
  public var bias: Bias
  /// How W is initialized; biases start at 0.
  public var initialization: Initialization

  /// A layer with these options; `outputShape(for:)` checks them.
  public init(
    _ filters: Int, kernel: Extent, stride: Extent = 1, padding: Padding = .same, dilation: Extent = 1,
    groups: Int = 1, bias: Bias = .automatic, initialization: Initialization = .automatic
  ) {
    self.filters = filters
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
    self.bias = bias
    self.initialization = initialization
  }

  public func outputShape(for input: Shape) throws -> Shape {
    guard input.rank == 3, input.count > 0 else {
      throw EvenkeelError.usage("convolution: expected an input of shape [height, width, channels], got \(input).")
    }
    return try filter.outputShape(for: input)
  }

  public func parameters(for input: Shape) throws -> [ParameterDescription] {
    filter.parameters(shape: [filters, input.featureCount / groups, kernel.height, kernel.width])
  }

  public func makeOperation(for site: LayerSite) throws -> any LayerOperation {
    try filter.operation(for: site)
  }

  private enum CodingKeys: String, CodingKey {
    case filters, kernel, stride, padding, dilation, groups, bias, initialization
  }
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let windows = try Windows(from: decoder, stride: 1, padding: .same)
    self.init(
      try container.decode(Int.self, forKey: .filters), kernel: windows.kernel, stride: windows.stride,
      padding: windows.padding, dilation: windows.dilation, groups: try container.value(.groups, default: 1),
      bias: try container.choice(.bias, default: .automatic),
      initialization: try container.value(.initialization, default: .automatic))
  }

  package var windows: Windows { Windows(kernel: kernel, stride: stride, dilation: dilation, padding: padding) }

  private var filter: ConvolutionSpec {
    ConvolutionSpec(
      kind: Self.kind, windows: windows, filters: filters, groups: groups, bias: bias, initialization: initialization)
  }
}

/// A convolution of each channel separately, with `multiplier` filters per channel (Sifre 2014): `[H, W, C]` gives
/// `[H′, W′, C · multiplier]`. W has PyTorch's shape `[C · multiplier, 1, height, width]`.
public struct DepthwiseConvolution: Layer {
  public static let kind = "depthwiseConvolution"
  /// The window.
  public var kernel: Extent
  /// Filters per channel.
  public var multiplier: Int
  /// Pixels from one window to the next.
  public var stride: Extent
  /// What surrounds the image.
  public var padding: Padding
  /// Pixels from one point of the window to the next; 1 skips none.
  public var dilation: Extent
  /// Whether b is learned.
  public var bias: Bias
  /// How W is initialized; biases start at 0.
  public var initialization: Initialization

  /// A layer with these options; `outputShape(for:)` checks them.
  public init(
    kernel: Extent, multiplier: Int = 1, stride: Extent = 1, padding: Padding = .same, dilation: Extent = 1,
    bias: Bias = .automatic, initialization: Initialization = .automatic
  ) {
    self.kernel = kernel
    self.multiplier = multiplier
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.bias = bias
    self.initialization = initialization
  }

  public func outputShape(for input: Shape) throws -> Shape {
    guard input.rank == 3, input.count > 0 else {
      throw EvenkeelError.usage(
        "depthwiseConvolution: expected an input of shape [height, width, channels], got \(input).")
    }
    guard (1...1 << 16).contains(multiplier) else {
      throw EvenkeelError.usage("depthwiseConvolution: multiplier is \(multiplier); expected 1 to 65,536.")
    }
    return try filter(for: input).outputShape(for: input)
  }

  public func parameters(for input: Shape) throws -> [ParameterDescription] {
    filter(for: input).parameters(shape: [input.featureCount * multiplier, 1, kernel.height, kernel.width])
  }

  public func makeOperation(for site: LayerSite) throws -> any LayerOperation {
    try filter(for: site.input).operation(for: site)
  }

  private enum CodingKeys: String, CodingKey {
    case kernel, multiplier, stride, padding, dilation, bias, initialization
  }
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let windows = try Windows(from: decoder, stride: 1, padding: .same)
    self.init(
      kernel: windows.kernel, multiplier: try container.value(.multiplier, default: 1), stride: windows.stride,
      padding: windows.padding, dilation: windows.dilation,
      bias: try container.choice(.bias, default: .automatic),
      initialization: try container.value(.initialization, default: .automatic))
  }

  package var windows: Windows { Windows(kernel: kernel, stride: stride, dilation: dilation, padding: padding) }

  private func filter(for input: Shape) -> ConvolutionSpec {
    ConvolutionSpec(
      kind: Self.kind, windows: windows, filters: input.featureCount * multiplier, groups: input.featureCount,
      bias: bias,
      initialization: initialization)
  }
}

/// A convolution over sequences `[L, C]`. W has PyTorch's shape `[filters, C / groups, length]`.
public struct Convolution1D: Layer {
  public static let kind = "convolution1D"
  /// The number of output channels.
  public var filters: Int
  /// The length of the window.
  public var kernel: Int
  /// Positions from one window to the next.
  public var stride: Int
  /// What surrounds the image.
  public var padding: Padding
  /// Positions from one point of the window to the next; 1 skips none.
  public var dilation: Int
  /// The number of parts into which input and output channels are divided; parts do not mix.
  public var groups: Int
  /// Whether b is learned.
  public var bias: Bias
  /// How W is initialized; biases start at 0.
  public var initialization: Initialization

  /// A layer with these options; `outputShape(for:)` checks them.
  public init(
    _ filters: Int, kernel: Int, stride: Int = 1, padding: Padding = .same, dilation: Int = 1, groups: Int = 1,
    bias: Bias = .automatic, initialization: Initialization = .automatic
  ) {
    self.filters = filters
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
    self.bias = bias
    self.initialization = initialization
  }

  public func outputShape(for input: Shape) throws -> Shape {
    guard input.rank == 2, input.count > 0 else {
      throw EvenkeelError.usage("convolution1D: expected an input of shape [length, channels], got \(input).")
    }
    return try filter.outputShape(for: input)
  }

  public func parameters(for input: Shape) throws -> [ParameterDescription] {
    filter.parameters(shape: [filters, input.featureCount / groups, kernel])
  }

  public func makeOperation(for site: LayerSite) throws -> any LayerOperation {
    try filter.operation(for: site)
  }

  public func outputLength(of length: Int, for input: Shape) -> Int? { filter.windows.outputLength(of: length) }

  private enum CodingKeys: String, CodingKey {
    case filters, kernel, stride, padding, dilation, groups, bias, initialization
  }
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      try container.decode(Int.self, forKey: .filters), kernel: try container.decode(Int.self, forKey: .kernel),
      stride: try container.value(.stride, default: 1), padding: try container.value(.padding, default: .same),
      dilation: try container.value(.dilation, default: 1), groups: try container.value(.groups, default: 1),
      bias: try container.choice(.bias, default: .automatic),
      initialization: try container.value(.initialization, default: .automatic))
  }

  package var windows: Windows {
    Windows(
      kernel: Extent(height: 1, width: kernel), stride: Extent(height: 1, width: stride),
      dilation: Extent(height: 1, width: dilation), padding: padding)
  }

  private var filter: ConvolutionSpec {
    ConvolutionSpec(
      kind: Self.kind, windows: windows, filters: filters, groups: groups, bias: bias, initialization: initialization)
  }
}

/// What the kinds of convolution have in common.
struct ConvolutionSpec: Hashable, Sendable {
  let kind: String
  let windows: Windows
  let filters: Int
  let groups: Int
  let bias: Bias
  let initialization: Initialization

  func outputShape(for input: Shape) throws -> Shape {
    guard (1...1 << 24).contains(filters) else {
      throw EvenkeelError.usage("\(kind): filters is \(filters); expected 1 to 2^24.")
    }
    guard groups > 0, input.featureCount % groups == 0, filters % groups == 0 else {
      throw EvenkeelError.usage(
        "\(kind): groups is \(groups); expected a number that divides \(input.featureCount) channels and \(filters) filters."
      )
    }
    try initialization.validate(kind)
    return try windows.output(of: input, channels: filters, kind: kind)
  }

  /// The learned tensors; `shape` is that of W.
  func parameters(shape: Shape) -> [ParameterDescription] {
    let window = shape.dimensions.dropFirst(2).reduce(1, *)
    let weight = ParameterDescription(
      name: "weight", shape: shape, role: .weight,
      start: .weights(initialization, inputs: shape.dimensions[1] * window, outputs: filters / groups * window))
    guard bias == .present else { return [weight] }
    return [weight, ParameterDescription(name: "bias", shape: [filters], role: .bias, start: .constant(0))]
  }
}

extension Convolution: WeightedLayer {}
extension DepthwiseConvolution: WeightedLayer {}
extension Convolution1D: WeightedLayer {}
