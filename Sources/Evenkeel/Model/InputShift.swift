import Kernels
import Synchronization

/// How far what reaches a model's first batch norm has moved from what its running statistics remember of training.
///
/// The means and variances of the last rows that were watched are compared: at least `window`, at most twice as many. Several threads
/// may add to it.
package final class InputShift: Sendable {
  /// The path of the norm.
  package let layer: String
  private let positions: Int
  private let epsilon: Double
  private let statistics: RunningStatistics
  private let window: Int
  private let moments: Mutex<(last: FeatureMoments?, current: FeatureMoments, rows: Int)>

  /// - Parameter window: The number of rows after which older ones are forgotten.
  /// - Returns: nil for a model without a norm that keeps running statistics.
  package init?(_ model: Model, window: Int = 1000) {
    let placed = model.state.layout.network.layers
    guard let norm = placed.first(where: { $0.layer is BatchNorm && model.state.runningStatistics(of: $0) != nil })
    else { return nil }
    layer = norm.path
    positions = norm.positions
    epsilon = (norm.layer as! BatchNorm).epsilon
    statistics = model.state.runningStatistics(of: norm)!
    self.window = window
    moments = Mutex((nil, FeatureMoments(features: norm.input.featureCount), 0))
  }

  func observe(_ step: Step, _ pass: ForwardPass, _ moment: Program.Moment) {
    guard moment == .before, step.layer?.path == layer, step.operation is BatchNormOperation else { return }
    moments.withLock { moments in
      let memory = BatchStatisticsStorage(features: moments.current.features, rows: positions * pass.rows)
      _ = moments.current.merge(pass.input, rows: positions * pass.rows, memory, threads: 1)
      moments.rows += pass.rows
      guard moments.rows >= window else { return }
      moments = (moments.current, FeatureMoments(features: moments.current.features), 0)
    }
  }

  /// The shift from training to the rows of late; nil before the first two.
  package var shift: StatisticsShift? {
    let recent = moments.withLock { moments in
      var recent = moments.current
      if let last = moments.last {
        recent.merge(weight: last.weight, mean: { last.mean($0) }, variance: { last.variance($0) })
      }
      return recent
    }
    guard recent.weight > Double(positions) else { return nil }
    let features = 0..<recent.features
    return StatisticsShift(
      from: statistics,
      to: RunningStatistics(
        mean: features.map { Float(recent.mean($0)) }, variance: features.map { Float(recent.variance($0)) },
        batchCount: 1),
      epsilon: epsilon)
  }
}
