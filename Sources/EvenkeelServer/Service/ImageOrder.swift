import Evenkeel

/// The order of the values of a row.
enum ImageOrder {
  /// As networks and image files have it: `[N, H, W, C]`, also flat.
  case featuresLast
  /// As PyTorch has it: `[N, C, H, W]`.
  case featuresFirst

  /// Finds out by the shape of a tensor, where it leaves no doubt.
  /// - Parameter shape: Of one row of the network's input.
  /// - Throws: `ServerFailure` with status 400 for another shape.
  init(_ tensor: [Int], for shape: Shape, input: String) throws {
    let (row, own) = (Array(tensor.dropFirst()), shape.dimensions)
    let first = own.suffix(1) + own.dropLast()
    func isSame(_ one: some Sequence<Int>, _ other: some Sequence<Int>) -> Bool {
      one.filter { $0 != 1 }.elementsEqual(other.filter { $0 != 1 })
    }
    if row == [shape.count] || isSame(row, own) {
      self = .featuresLast
    } else if own.count > 1, row.elementsEqual(first) {
      self = .featuresFirst
    } else {
      let others = own.count > 1 ? ", \([-1] + first) or [-1, \(shape.count)]" : ""
      throw ServerFailure(400, "Input \"\(input)\" has the shape \(tensor); expected \([-1] + own)\(others).")
    }
  }

  /// Rows that came with features first.
  static func withFeaturesLast(_ values: [Double], rows: Int, _ shape: Shape) -> [Double] {
    let (features, count) = (shape.featureCount, shape.count)
    let positions = count / features
    return [Double](unsafeUninitializedCapacity: values.count) { buffer, initialized in
      for row in 0..<rows {
        for position in 0..<positions {
          for feature in 0..<features {
            buffer[row * count + position * features + feature] =
              values[row * count + feature * positions + position]
          }
        }
      }
      initialized = values.count
    }
  }
}
