/// The largest value of each window, channel by channel, over an image `[H, W, C]` or a sequence `[L, C]`.
public struct MaxPool: Layer {
  public static let kind = "maxPool"
  /// The window.
  public var kernel: Extent
  /// By default the window's own extent, so that windows touch but do not overlap.
  public var stride: Extent
  /// What surrounds the image.
  public var padding: Padding

  /// Windows that touch, unless a `stride` is given.
  public init(_ kernel: Extent, stride: Extent? = nil, padding: Padding = .valid) {
    self.kernel = kernel
    self.stride = stride ?? kernel
    self.padding = padding
  }

  public func outputShape(for input: Shape) throws -> Shape { try pool.outputShape(for: input) }
  public func makeOperation(for site: LayerSite) throws -> any LayerOperation { try PoolingOperation(pool, site: site) }
  public var traits: LayerTraits { .passesThrough }
  public func outputLength(of length: Int, for input: Shape) -> Int? { pool.outputLength(of: length) }

  package var windows: Windows { Windows(kernel: kernel, stride: stride, padding: padding) }
  private var pool: PoolingSpec { PoolingSpec(kind: Self.kind, windows: windows, isMean: false) }

  public init(from decoder: any Decoder) throws {
    let windows = try Windows(poolFrom: decoder)
    self.init(windows.kernel, stride: windows.stride, padding: windows.padding)
  }
}

/// The mean of each window, channel by channel, over an image `[H, W, C]` or a sequence `[L, C]`. Padding counts as
/// zeros, as in PyTorch by default.
public struct AveragePool: Layer {
  public static let kind = "averagePool"
  /// The window.
  public var kernel: Extent
  /// By default the window's own extent, so that windows touch but do not overlap.
  public var stride: Extent
  /// What surrounds the image.
  public var padding: Padding

  /// Windows that touch, unless a `stride` is given.
  public init(_ kernel: Extent, stride: Extent? = nil, padding: Padding = .valid) {
    self.kernel = kernel
    self.stride = stride ?? kernel
    self.padding = padding
  }

  public func outputShape(for input: Shape) throws -> Shape { try pool.outputShape(for: input) }
  public func makeOperation(for site: LayerSite) throws -> any LayerOperation { try PoolingOperation(pool, site: site) }
  public var traits: LayerTraits { .passesThrough }
  public func outputLength(of length: Int, for input: Shape) -> Int? { pool.outputLength(of: length) }

  package var windows: Windows { Windows(kernel: kernel, stride: stride, padding: padding) }
  private var pool: PoolingSpec { PoolingSpec(kind: Self.kind, windows: windows, isMean: true) }

  public init(from decoder: any Decoder) throws {
    let windows = try Windows(poolFrom: decoder)
    self.init(windows.kernel, stride: windows.stride, padding: windows.padding)
  }
}

/// The mean of every channel over all positions (Lin et al. 2014): `[H, W, C]` and `[L, C]` become `[C]`.
public struct GlobalAveragePool: Layer {
  public static let kind = "globalAveragePool"
  /// A layer without options.
  public init() {}

  public func outputShape(for input: Shape) throws -> Shape {
    _ = try pool(input).outputShape(for: input)
    return [input.featureCount]
  }

  public func makeOperation(for site: LayerSite) throws -> any LayerOperation {
    try PoolingOperation(pool(site.input), site: site)
  }

  public var traits: LayerTraits { .passesThrough }
  public func outputLength(of length: Int, for input: Shape) -> Int? { 1 }

  private func pool(_ input: Shape) -> PoolingSpec {
    let image = Extent(
      height: input.dimensions.first ?? 1, width: input.rank < 2 ? 1 : input.dimensions[input.rank - 2])
    return PoolingSpec(kind: Self.kind, windows: Windows(kernel: image, stride: 1, padding: .valid), isMean: true)
  }
}

extension Windows {
  /// A pool in a file: just the extent, or the options.
  fileprivate init(poolFrom decoder: any Decoder) throws {
    if let kernel = try? Extent(from: decoder) {
      self.init(kernel: kernel, stride: kernel, padding: .valid)
    } else {
      try self.init(from: decoder, stride: nil, padding: .valid)
    }
  }
}

/// What the kinds of pooling have in common.
struct PoolingSpec: Hashable, Sendable {
  let kind: String
  let windows: Windows
  let isMean: Bool

  /// nil for a largest value over padding: after the end of a sequence there are zeros, but around an image there is
  /// nothing.
  func outputLength(of length: Int) -> Int? {
    let isPadded = windows.padding.sides(of: .width, span: windows.kernel.width) != (0, 0)
    return isPadded && !isMean ? nil : windows.outputLength(of: length)
  }

  func outputShape(for input: Shape) throws -> Shape {
    guard (2...3).contains(input.rank), input.count > 0 else {
      throw EvenkeelError.usage(
        "\(kind): expected an input of shape [height, width, channels] or [length, channels], got \(input).")
    }
    let (height, width) = try windows.axes(of: input, kind: kind)
    // Every window must hold a pixel.
    guard [height, width].allSatisfy({ max($0.before, $0.after) < $0.kernel }) else {
      throw EvenkeelError.usage("\(kind): padding is as large as the window (\(windows.kernel)); expected less.")
    }
    return try windows.output(of: input, channels: input.featureCount, kind: kind)
  }
}
