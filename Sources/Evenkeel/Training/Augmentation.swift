import Glibc
import Kernels

/// A random change of training images, drawn for every example in every epoch; it acts on values before scaling.
public struct Augmentation: Hashable, Codable, Sendable, CustomStringConvertible {
  enum Kind: String, Codable, CaseIterable { case crop, flip, rotate, cutout }
  let kind: Kind
  /// A crop's padding in pixels, a rotation's largest angle in degrees, a cut-out's side in pixels; a flip has none.
  let amount: Double

  /// A part of the image's own size, cut at a uniformly random place from the image with `padding` pixels of value 0
  /// around it.
  public static func crop(padding: Int = 4) -> Augmentation { Augmentation(kind: .crop, amount: Double(padding)) }
  /// Swaps left and right with probability 1/2.
  public static let flip = Augmentation(kind: .flip, amount: 0)
  /// A rotation about the center by a uniformly random angle from −`degrees` to `degrees`; bilinear, 0 outside the
  /// image.
  public static func rotation(degrees: Double = 10) -> Augmentation { Augmentation(kind: .rotate, amount: degrees) }
  /// A square around a uniformly random pixel, clipped to the image, gets the mean of its channel, which is 0 after
  /// scaling (DeVries and Taylor 2017).
  public static func cutOut(side: Int = 8) -> Augmentation { Augmentation(kind: .cutout, amount: Double(side)) }

  /// As the command names it: `crop:4`.
  public var description: String {
    guard kind != .flip else { return "flip" }
    return "\(kind):\(Int(exactly: amount).map { "\($0)" } ?? "\(amount)")"
  }

  /// Augmentations as the command names them, in the order in which they act: `crop,flip`, `crop:4,flip,rotate:10,cutout:8`.
  /// - Throws: `EvenkeelError` with code `usage` for an unknown name or a value that is not a number.
  package static func list(_ text: String) throws -> [Augmentation] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map { item in
      let parts = item.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard let kind = Kind(rawValue: String(parts[0])) else {
        throw EvenkeelError.usage("\"\(item)\" is not an augmentation; expected crop, flip, rotate or cutout.")
      }
      let standard: Augmentation =
        switch kind {
        case .crop: .crop()
        case .flip: .flip
        case .rotate: .rotation()
        case .cutout: .cutOut()
        }
      guard parts.count == 2 else { return standard }
      guard kind != .flip, let amount = Double(parts[1]) else {
        throw EvenkeelError.usage(
          "The augmentation \"\(item)\": expected \(kind == .flip ? "no value" : "a number after the colon").")
      }
      return Augmentation(kind: kind, amount: amount)
    }
  }

  /// Checks that `augmentations` can act on examples of `shape`.
  /// - Throws: `EvenkeelError` with code `usage` if those are not images, for a value out of range or a kind named
  ///   twice.
  static func validate(_ augmentations: [Augmentation], for shape: Shape) throws {
    guard !augmentations.isEmpty else { return }
    guard shape.rank == 2 || shape.rank == 3 else {
      throw EvenkeelError.usage(
        "Augmentation needs images of shape [height, width] or [height, width, channels]; the examples are \(shape).")
    }
    let side = Double(shape.dimensions.prefix(2).min()!)
    for (index, augmentation) in augmentations.enumerated() {
      let (kind, amount) = (augmentation.kind, augmentation.amount)
      if augmentations[..<index].contains(where: { $0.kind == kind }) {
        throw EvenkeelError.usage("The augmentation \(kind) is given twice.")
      }
      switch kind {
      case .flip: break
      case .rotate:
        guard amount > 0, amount <= 180 else {
          throw EvenkeelError.usage(
            "The augmentation \(augmentation): expected an angle above 0 and at most 180 degrees.")
        }
      case .crop, .cutout:
        guard amount >= 1, amount <= side, amount == amount.rounded() else {
          throw EvenkeelError.usage(
            "The augmentation \(augmentation): expected a whole number of pixels from 1 to the image's \(Int(side)).")
        }
      }
    }
  }

  /// The changes to one image of `height` × `width` pixels.
  package func draw(_ random: inout RandomNumbers, height: Int, width: Int) -> ek_transform {
    var transform = ek_transform()
    switch kind {
    case .crop:
      let padding = Int(amount)
      transform.kind = EK_SHIFT
      transform.x = Int32(random.integer(below: 2 * padding + 1) - padding)
      transform.y = Int32(random.integer(below: 2 * padding + 1) - padding)
    case .flip:
      transform.kind = random.uniform() < 0.5 ? EK_FLIP : EK_UNCHANGED
    case .rotate:
      let angle = random.uniform(-amount, amount) * Double.pi / 180
      transform.kind = EK_ROTATE
      transform.cosine = cos(angle)
      transform.sine = sin(angle)
    case .cutout:
      let side = Int(amount)
      transform.kind = EK_CUT_OUT
      transform.x = Int32(random.integer(below: width) - side / 2)
      transform.y = Int32(random.integer(below: height) - side / 2)
      transform.side = Int32(side)
    }
    return transform
  }
}
