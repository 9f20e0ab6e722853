import Glibc
import Kernels

/// A random change of training images, drawn for every example in every epoch; it acts on values before scaling.
///
/// ```swift
/// let trainer = Trainer(
///   loss: .softmaxCrossEntropy, optimizer: .adam(), augmentation: [.crop(padding: 4), .flip, .cutOut(side: 8)])
/// ```
public struct Augmentation: Hashable, Codable, Sendable, CustomStringConvertible {
  enum Kind: Hashable, Codable, Sendable {
    case crop(padding: Double)
    case flip
    case rotate(degrees: Double)
    case cutout(side: Double)

    /// As the command names it.
    var name: String {
      switch self {
      case .crop: "crop"
      case .flip: "flip"
      case .rotate: "rotate"
      case .cutout: "cutout"
      }
    }
  }
  let kind: Kind

  /// A part of the image's own size, cut at an even random place from the image with `padding` pixels of value 0 around it.
  public static func crop(padding: Int = 4) -> Augmentation { Augmentation(kind: .crop(padding: Double(padding))) }
  /// Left and right are exchanged with probability 1/2.
  public static let flip = Augmentation(kind: .flip)
  /// A turn about the center by an angle evenly from −`degrees` to `degrees`; bilinear, with value 0 outside the image.
  public static func rotation(degrees: Double = 10) -> Augmentation { Augmentation(kind: .rotate(degrees: degrees)) }
  /// A square about an even random pixel, as far as it lies in the image, gets the mean of its channel, which is 0 after
  /// scaling (DeVries and Taylor 2017).
  public static func cutOut(side: Int = 8) -> Augmentation { Augmentation(kind: .cutout(side: Double(side))) }

  /// As the command names it: `crop:4`.
  public var description: String {
    switch kind {
    case .flip: kind.name
    case .crop(let amount), .rotate(let amount), .cutout(let amount):
      "\(kind.name):\(Int(exactly: amount).map { "\($0)" } ?? "\(amount)")"
    }
  }

  /// Augmentations as the command names them, in the order in which they act: `crop,flip`, `crop:4,flip,rotate:10,cutout:8`.
  /// - Throws: `EvenkeelError` with code `usage` for an unknown name or a value that is not a number.
  package static func list(_ text: String) throws -> [Augmentation] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map { item in
      let parts = item.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      let standard: Augmentation
      switch parts[0] {
      case "crop": standard = .crop()
      case "flip": standard = .flip
      case "rotate": standard = .rotation()
      case "cutout": standard = .cutOut()
      default:
        throw EvenkeelError.usage("\"\(item)\" is not an augmentation; expected crop, flip, rotate or cutout.")
      }
      guard parts.count == 2 else { return standard }
      switch (standard.kind, Double(parts[1])) {
      case (.flip, _): throw EvenkeelError.usage("The augmentation \"\(item)\": expected no value.")
      case (_, nil): throw EvenkeelError.usage("The augmentation \"\(item)\": expected a number after the colon.")
      case (.crop, let amount?): return Augmentation(kind: .crop(padding: amount))
      case (.rotate, let amount?): return Augmentation(kind: .rotate(degrees: amount))
      case (.cutout, let amount?): return Augmentation(kind: .cutout(side: amount))
      }
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
      let name = augmentation.kind.name
      if augmentations[..<index].contains(where: { $0.kind.name == name }) {
        throw EvenkeelError.usage("The augmentation \(name) is given twice.")
      }
      switch augmentation.kind {
      case .flip: break
      case .rotate(let amount):
        guard amount > 0, amount <= 180 else {
          throw EvenkeelError.usage(
            "The augmentation \(augmentation): expected an angle above 0 and at most 180 degrees.")
        }
      case .crop(let amount), .cutout(let amount):
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
    case .crop(let amount):
      let padding = Int(amount)
      transform.kind = EK_SHIFT
      transform.x = Int32(random.integer(below: 2 * padding + 1) - padding)
      transform.y = Int32(random.integer(below: 2 * padding + 1) - padding)
    case .flip:
      transform.kind = random.uniform() < 0.5 ? EK_FLIP : EK_UNCHANGED
    case .rotate(let amount):
      let angle = random.uniform(-amount, amount) * Double.pi / 180
      transform.kind = EK_ROTATE
      transform.cosine = cos(angle)
      transform.sine = sin(angle)
    case .cutout(let amount):
      let side = Int(amount)
      transform.kind = EK_CUT_OUT
      transform.x = Int32(random.integer(below: width) - side / 2)
      transform.y = Int32(random.integer(below: height) - side / 2)
      transform.side = Int32(side)
    }
    return transform
  }
}
