import Kernels

/// How features are bent after standardization, each by a curve of its own.
package struct InputCurves: Hashable, Codable, Sendable {
  package enum Curve: Hashable, Codable, Sendable {
    /// To the normal distribution's quantile of a value's place among these, ascending.
    case quantile([Float])
    /// u / √(1 + (u/3)²) of u = (x − center) · scale.
    case robust(center: Float, scale: Float)
  }

  /// The features that are bent.
  package let features: [Int]
  /// The curve of each.
  package let curves: [Curve]
  private let kernels: Kernels

  /// - Parameters:
  ///   - sample: Rows of `width` standardized values.
  ///   - features: Those that hold numbers; one with less than three different values is left as it is.
  init(_ transform: NumericTransform, of sample: AlignedFloats, width: Int, features: [Int]) {
    var (bent, curves): ([Int], [Curve]) = ([], [])
    let rows = sample.count / width
    let quantiles = max(10, min(rows / 30, 1000))
    for feature in features {
      let sorted = (0..<rows).map { sample.start[$0 * width + feature] }.sorted()
      guard let first = sorted.first, let last = sorted.last, sorted.contains(where: { $0 > first && $0 < last }) else {
        continue
      }
      bent.append(feature)
      if transform == .quantile {
        curves.append(.quantile(Quantiles.evenly(quantiles, of: sorted)))
      } else {
        let (low, middle, high) = (
          Quantiles.at(0.25, of: sorted), Quantiles.at(0.5, of: sorted), Quantiles.at(0.75, of: sorted)
        )
        curves.append(.robust(center: middle, scale: high > low ? 1 / (high - low) : 2 / (last - first)))
      }
    }
    self.init(bent, curves)
  }

  private init(_ features: [Int], _ curves: [Curve]) {
    (self.features, self.curves) = (features, curves)
    kernels = Kernels(features, curves)
  }

  /// Bends `rows` rows in place.
  func bend(_ values: UnsafeMutablePointer<Float>, rows: Int, width: Int, threads: Int) {
    ek_bend(values, rows, width, kernels.start, curves.count, Int32(threads))
  }

  package static func == (left: InputCurves, right: InputCurves) -> Bool {
    left.features == right.features && left.curves == right.curves
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(features)
    hasher.combine(curves)
  }

  private enum CodingKeys: String, CodingKey { case features, curves }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let features = try container.decode([Int].self, forKey: .features)
    let curves = try container.decode([Curve].self, forKey: .curves)
    let isValid = curves.allSatisfy { curve in
      switch curve {
      case .quantile(let nodes):
        nodes.count > 1 && nodes.allSatisfy(\.isFinite) && zip(nodes, nodes.dropFirst()).allSatisfy { $0 <= $1 }
      case .robust(let center, let scale): center.isFinite && scale.isFinite
      }
    }
    guard isValid, features.count == curves.count else {
      throw EvenkeelError.data("The stored curves of the inputs are damaged.")
    }
    self.init(features, curves)
  }

  /// The curves as the kernel reads them.
  private final class Kernels: @unchecked Sendable {
    let start: UnsafeMutablePointer<ek_curve>
    private let count: Int

    init(_ features: [Int], _ curves: [Curve]) {
      count = curves.count
      start = .allocate(capacity: max(count, 1))
      for (index, curve) in curves.enumerated() {
        var kernel = ek_curve()
        kernel.feature = features[index]
        switch curve {
        case .quantile(let nodes):
          let copy = UnsafeMutablePointer<Float>.allocate(capacity: nodes.count)
          copy.initialize(from: nodes, count: nodes.count)
          (kernel.nodes, kernel.count) = (UnsafePointer(copy), nodes.count)
        case .robust(let center, let scale): (kernel.center, kernel.scale) = (center, scale)
        }
        (start + index).initialize(to: kernel)
      }
    }

    deinit {
      for index in 0..<count { start[index].nodes?.deallocate() }
      start.deallocate()
    }
  }
}
