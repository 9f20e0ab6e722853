/// The size of an image in pixels.
public struct ImageSize: Hashable, Sendable {
  /// The sides in pixels, each from 1 to 8192.
  public let width, height: Int

  /// The largest side of an input.
  static let most = 8192

  /// nil for a side that is not from 1 to 8192.
  public init?(width: Int, height: Int) {
    guard (1...Self.most).contains(width), (1...Self.most).contains(height) else { return nil }
    (self.width, self.height) = (width, height)
  }

  /// `64` for a square, `64x48` for width and height; nil for anything else.
  public init?(_ text: String) {
    let sides = text.lowercased().split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard (1...2).contains(sides.count), let width = sides[0], let height = sides[sides.count - 1] else { return nil }
    self.init(width: width, height: height)
  }
}

/// What an image becomes before a model sees it; a model stores it, so that it takes images of any size.
public struct ImageInput: Hashable, Codable, Sendable {
  /// How an image of other proportions is brought to the size.
  public enum Resizing: String, CaseIterable, Codable, Sendable {
    /// All of it, centered on black.
    case fit
    /// As much of its middle as has the proportions.
    case crop
    /// All of it, out of proportion.
    case stretch
  }

  /// The sides in pixels.
  public let width, height: Int
  /// 1 for gray, 3 for color; images of the other kind are converted.
  public let channels: Int
  /// How an image of other proportions is brought to the size.
  public let resizing: Resizing

  package init(width: Int, height: Int, channels: Int, resizing: Resizing) {
    (self.width, self.height, self.channels, self.resizing) = (width, height, channels, resizing)
  }

  /// The shape of an example.
  var shape: Shape { [height, width, channels] }

  /// Whether a model that takes `count` values can have it.
  func isValid(for count: Int) -> Bool {
    ImageSize(width: width, height: height) != nil && [1, 3].contains(channels) && shape.count == count
  }

  /// Size and resizing, for messages.
  var summary: String { "\(width) × \(height) (\(resizing))" }
}

/// How images that train a model are read.
public struct ImageOptions: Hashable, Sendable {
  /// The size that all become; nil for the one that 95 % of the training images have, or else the median width and height, each
  /// rounded to a multiple of 8.
  public var size: ImageSize?
  /// How an image of other proportions is brought to the size.
  public var resizing: ImageInput.Resizing
  /// Whether damaged images are left out, with a warning; otherwise the first is an error.
  public var skipsBroken: Bool

  /// Options of which each has a default.
  public init(size: ImageSize? = nil, resizing: ImageInput.Resizing = .fit, skipsBroken: Bool = false) {
    (self.size, self.resizing, self.skipsBroken) = (size, resizing, skipsBroken)
  }
}
