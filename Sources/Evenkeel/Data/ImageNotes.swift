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
        "\(place): \(Self.files(skipped.count)) that \(skipped.count == 1 ? "is no image is" : "are no images are") left out\(Self.examples(skipped))."
      )
    }
    if !broken.isEmpty {
      let examples = broken.map { $0.hasSuffix(".") ? String($0.dropLast()) : $0 }
      sentences.append(
        "\(place): \(Self.files(broken.count)) that \(broken.count == 1 ? "is" : "are") damaged \(broken.count == 1 ? "is" : "are") left out\(Self.examples(examples))."
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
  private static func examples(_ all: [String]) -> String {
    (all.count > 2 ? ", e.g. " : ": ") + all.prefix(2).joined(separator: ", ")
  }
}
