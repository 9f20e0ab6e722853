/// When a training run freezes its batch norms.
///
/// From then on the statistics do not change, and training normalizes with them too, so that any batch size will do:
/// for fine-tuning on little data or in small batches, or for the last epochs, in which training and prediction then
/// see the same network (Wu and Johnson 2021, §3.4). PyTorch: `bn.eval()` after every `model.train()`, and
/// `requires_grad = False` for scale and shift; Keras: `layer.trainable = False`, which does both.
/// `BatchNorm(frozen: true)` freezes one norm for good.
public struct NormFreezing: Hashable, Codable, Sendable {
  /// The number of epochs before freezing; 0 for none.
  public var afterEpoch: Int
  /// True if γ and β are frozen too.
  public var includesScaleAndShift: Bool

  /// Frozen from epoch `afterEpoch` + 1 on.
  public init(afterEpoch: Int, includesScaleAndShift: Bool = false) {
    self.afterEpoch = afterEpoch
    self.includesScaleAndShift = includesScaleAndShift
  }

  var summary: String { "after epoch \(afterEpoch), scales and shifts \(includesScaleAndShift ? "too" : "not")" }
}

/// Keeps the scales and shifts of all norms with running statistics fixed.
final class ScaleAndShiftBackup {
  private let ranges: [Range<Int>]
  private let values: AlignedFloats

  init(_ layout: ParameterLayout) {
    let norms = Set(layout.network.layers.filter { $0.layer.traits.contains(.runningStatistics) }.map(\.path))
    ranges = layout.entries.filter { entry in norms.contains(String(entry.name[..<entry.name.lastIndex(of: ".")!])) }
      .map { $0.offset..<$0.offset + $0.count }
    values = AlignedFloats(count: ranges.reduce(0) { $0 + $1.count })
  }

  /// Sets the gradients to 0 and remembers the values.
  func keep(_ parameters: AlignedFloats, gradients: AlignedFloats) {
    var place = values.start
    for range in ranges {
      (gradients.start + range.lowerBound).update(repeating: 0, count: range.count)
      place.update(from: parameters.start + range.lowerBound, count: range.count)
      place += range.count
    }
  }

  /// Undoes what the optimizer's momentum did to them.
  func restore(_ parameters: AlignedFloats) {
    var place = values.start
    for range in ranges {
      (parameters.start + range.lowerBound).update(from: place, count: range.count)
      place += range.count
    }
  }
}
