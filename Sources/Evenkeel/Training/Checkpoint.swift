/// The state of a training run: parameters, running statistics, the optimizer's state and the position. Random numbers
/// and the schedule follow from seed and position, so a run that resumes here equals, bit for bit, one that never
/// stopped.
///
/// ```swift
/// try trainer.fit(
///   &model, to: training, epochs: 5,
///   onEvent: { event in
///     if case .epoch(_, let checkpoint) = event { try checkpoint.write(to: "run.checkpoint.safetensors") }
///   })
/// let place = try Checkpoint(contentsOf: "run.checkpoint.safetensors")
/// try trainer.fit(&model, to: training, epochs: 10, resuming: place)   // as if it had never stopped
/// ```
public struct Checkpoint: Sendable {
  /// The best epoch so far, if patience or a metric is used.
  struct Best: Sendable {
    /// Its validation loss, or its metric.
    let score: Double
    let epoch: Int
    let state: ModelState
  }

  /// The model as it was then.
  public let model: Model
  let first: [Float]
  let second: [Float]
  /// The averaged weights and the number of averaged terms; empty and 0 without weight averaging.
  let averaged: [Float]
  let averagedCount: Int
  /// Complete epochs; batches of the next one; total steps.
  let epoch: Int
  let batch: Int
  let step: Int
  /// The steps made so far.
  public var steps: Int { step }
  /// The epochs that the run was to have; nil in older files.
  public let epochs: Int?
  /// The settings that a resumed run must share.
  let settings: RunSettings
  let sums: Loss.Sums
  /// The sums of each target, if there are several.
  let targetSums: [Double]?
  /// The complete epochs.
  package let history: History
  let best: Best?

  var state: ModelState { model.state }
}
