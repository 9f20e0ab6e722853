/// The sizes of the images that decide which size all become.
struct ImageSizes {
  /// The share of images of one size from which that is taken as it is.
  private static let enough = 0.95

  /// The most frequent size if enough images have it; otherwise the median width and the median height, each rounded to a
  /// multiple of 8.
  let chosen: ImageSize

  /// - Parameter shapes: Those of at least one image.
  init(_ shapes: [Shape]) {
    let counts = Dictionary(shapes.map { ($0.dimensions.prefix(2), 1) }, uniquingKeysWith: +)
    let (most, count) = counts.max { $0.value < $1.value }!
    let frequent = ImageSize(width: most[1], height: most[0])
    if let frequent, Double(count) >= Self.enough * Double(shapes.count) {
      chosen = frequent
    } else {
      func median(_ dimension: Int) -> Int {
        let middle = shapes.map { $0.dimensions[dimension] }.sorted()[shapes.count / 2]
        return min(max(8, (middle + 4) / 8 * 8), ImageSize.most)
      }
      chosen = ImageSize(width: median(1), height: median(0))!
    }
  }
}

/// What is to be said about images that were read.
struct ImageNotes {
  /// How many of how many images are resized.
  struct Resized {
    let count, all, sizes: Int
    let input: ImageInput

    /// nil if all have the size of `input`.
    init?(_ shapes: [Shape], to input: ImageInput) {
      self.input = input
      all = shapes.count
      sizes = Set(shapes.map { $0.dimensions.prefix(2) }).count
      count = shapes.count { Array($0.dimensions.prefix(2)) != [input.height, input.width] }
      if count == 0 { return nil }
    }
  }

  /// Files beside the images.
  var skipped: [String] = []
  /// What is wrong with each damaged file.
  var broken: [String] = []
  var resized: Resized?
  private let place: String

  init(_ place: String) { self.place = place }

  var sentences: [String] {
    var sentences: [String] = []
    if !skipped.isEmpty {
      sentences.append(
        "\(place): \(Self.files(skipped.count)) that \(skipped.count == 1 ? "is no image is" : "are no images are") left out\(Self.examples(skipped, of: skipped.count))."
      )
    }
    if !broken.isEmpty {
      let examples = broken.map { $0.hasSuffix(".") ? String($0.dropLast()) : $0 }
      sentences.append(
        "\(place): \(Self.files(broken.count)) that \(broken.count == 1 ? "is" : "are") damaged \(broken.count == 1 ? "is" : "are") left out\(Self.examples(examples, of: broken.count))."
      )
    }
    if let resized {
      sentences.append(
        "\(place): the images have \(resized.sizes) sizes; all become \(resized.input.summary), \(resized.count) of \(resized.all) by resizing; --image-size and --resize change that."
      )
    }
    return sentences
  }

  private static func files(_ count: Int) -> String { count == 1 ? "1 file" : "\(count) files" }

  /// The first two.
  private static func examples(_ all: [String], of count: Int) -> String {
    (count > 2 ? ", e.g. " : ": ") + all.prefix(2).joined(separator: ", ")
  }
}
