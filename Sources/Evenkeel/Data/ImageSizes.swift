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
