/// The extent of a window over an image in pixels: `3` is 3×3, `[1, 7]` is 1 high and 7 wide.
public struct Extent: Hashable, Sendable, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral,
  CustomStringConvertible
{
  /// Pixels from top to bottom.
  public var height: Int
  /// Pixels from left to right.
  public var width: Int

  /// An extent whose height and width may differ.
  public init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }
  /// A square.
  public init(integerLiteral value: Int) { self.init(height: value, width: value) }
  /// `[3]` for a square, `[1, 7]` for height and width.
  /// - Precondition: One number, or height and width.
  public init(arrayLiteral elements: Int...) {
    precondition((1...2).contains(elements.count), "An extent is one number, or height and width.")
    self.init(height: elements[0], width: elements[elements.count - 1])
  }

  public var description: String { "\(height)×\(width)" }
}

extension Extent: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let side = try? container.decode(Int.self) {
      self.init(height: side, width: side)
      return
    }
    let sides = try container.decode([Int].self)
    guard sides.count == 2 else {
      throw EvenkeelError.usage("expected one number, or [height, width], got \(sides.count) numbers.")
    }
    self.init(height: sides[0], width: sides[1])
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if height == width { try container.encode(height) } else { try container.encode([height, width]) }
  }
}

/// What surrounds an image where windows reach past its edge.
public enum Padding: Hashable, Sendable {
  /// Enough for the output to have ⌈input / stride⌉ pixels: the window minus 1 in total, half on each side, an odd
  /// pixel at the end. For odd windows this is PyTorch's `padding=kernel_size // 2`.
  case same
  /// Nothing: windows stay inside.
  case valid
  /// This many pixels on every side.
  case each(Int)
  /// As many pixels as each side is given; a sequence has left and right. TensorFlow's `same` is this where windows have a stride:
  /// no more than the last window needs.
  case sides(top: Int, bottom: Int, left: Int, right: Int)

  /// An axis of an image.
  enum Axis { case height, width }

  /// Pixels before and after, for a window that spans `span`.
  func sides(of axis: Axis, span: Int) -> (before: Int, after: Int) {
    switch self {
    case .same: ((span - 1) / 2, span - 1 - (span - 1) / 2)
    case .valid: (0, 0)
    case .each(let count): (count, count)
    case .sides(let top, let bottom, let left, let right): axis == .height ? (top, bottom) : (left, right)
    }
  }
}

extension Padding: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let count = try? container.decode(Int.self) {
      self = count == 0 ? .valid : .each(count)
      return
    }
    if let counts = try? container.decode([Int].self) {
      guard counts.count == 4 else {
        throw EvenkeelError.usage(
          "padding: expected [top, bottom, left, right], got \(counts.count) numbers.")
      }
      self = .sides(top: counts[0], bottom: counts[1], left: counts[2], right: counts[3])
      return
    }
    switch try container.decode(String.self) {
    case "same": self = .same
    case "valid": self = .valid
    case let name:
      throw EvenkeelError.usage(
        "padding: expected same, valid, a number of pixels or [top, bottom, left, right], got \"\(name)\".")
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .same: try container.encode("same")
    case .valid: try container.encode("valid")
    case .each(let count): try container.encode(count)
    case .sides(let top, let bottom, let left, let right): try container.encode([top, bottom, left, right])
    }
  }
}

/// Windows that slide over an image `[H, W, C]`, or over a sequence `[L, C]`, which is an image of height 1 under windows of
/// height 1.
package struct Windows: Hashable, Sendable {
  let kernel: Extent
  let stride: Extent
  let dilation: Extent
  let padding: Padding

  private enum CodingKeys: String, CodingKey { case kernel, stride, padding, dilation }

  /// Windows as the options of a layer describe them.
  /// - Parameters:
  ///   - stride: The layer's default if none is given; nil for the window's extent.
  ///   - padding: The layer's default if none is given.
  init(from decoder: any Decoder, stride: Extent?, padding: Padding) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let kernel = try container.decode(Extent.self, forKey: .kernel)
    self.init(
      kernel: kernel, stride: try container.value(.stride, default: stride ?? kernel),
      dilation: try container.value(.dilation, default: 1), padding: try container.value(.padding, default: padding))
  }

  init(kernel: Extent, stride: Extent, dilation: Extent = 1, padding: Padding) {
    self.kernel = kernel
    self.stride = stride
    self.dilation = dilation
    self.padding = padding
  }

  /// The windows of one axis.
  package struct Axis {
    package let extent, kernel, stride, dilation, before, after, output: Int
  }

  /// How the windows lie on the two axes of `input`, of rank 2 or 3.
  /// - Throws: `EvenkeelError` with code `usage` that names the layer's `kind`, what was expected and what it got.
  package func axes(of input: Shape, kind: String) throws -> (height: Axis, width: Axis) {
    let width = try axis(
      .width, input.dimensions[input.rank - 2], kernel.width, stride.width, dilation.width, padding, input, kind)
    guard input.rank == 3 else { return (try axis(.height, 1, 1, 1, 1, .valid, input, kind), width) }
    let height = try axis(
      .height, input.dimensions[0], kernel.height, stride.height, dilation.height, padding, input, kind)
    return (height, width)
  }

  /// The output shape of windows over `input`, with `channels` channels.
  /// - Throws: As `axes(of:kind:)`.
  func output(of input: Shape, channels: Int, kind: String) throws -> Shape {
    let (height, width) = try axes(of: input, kind: kind)
    return input.rank == 2 ? [width.output, channels] : [height.output, width.output, channels]
  }

  /// The number of output positions of windows over a sequence of `length` positions.
  func outputLength(of length: Int) -> Int {
    let span = (kernel.width - 1) * dilation.width + 1
    let (before, after) = padding.sides(of: .width, span: span)
    return length == 0 || span > length + before + after ? 0 : (length + before + after - span) / stride.width + 1
  }

  private func axis(
    _ axis: Padding.Axis, _ extent: Int, _ kernel: Int, _ stride: Int, _ dilation: Int, _ padding: Padding,
    _ input: Shape, _ kind: String
  ) throws -> Axis {
    for (name, value) in [("kernel", kernel), ("stride", stride), ("dilation", dilation)] {
      guard (1...4096).contains(value) else {
        throw EvenkeelError.usage("\(kind): \(name) is \(value); expected 1 to 4096.")
      }
    }
    let span = (kernel - 1) * dilation + 1
    let (before, after) = padding.sides(of: axis, span: span)
    if let count = [before, after].first(where: { !(0...4096).contains($0) }) {
      throw EvenkeelError.usage("\(kind): padding is \(count); expected 0 to 4096.")
    }
    guard span <= extent + before + after else {
      throw EvenkeelError.usage(
        "\(kind): a window of \(span) pixels does not fit into \(extent + before + after) (input \(input), padding included)."
      )
    }
    return Axis(
      extent: extent, kernel: kernel, stride: stride, dilation: dilation, before: before, after: after,
      output: (extent + before + after - span) / stride + 1)
  }
}
