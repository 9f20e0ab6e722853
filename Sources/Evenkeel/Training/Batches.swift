import Kernels

/// Feeds a training run: the order of an epoch's examples, and the rows, targets and weights of each batch.
final class Batches {
  let dataset: Dataset
  let plan: BatchPlan
  let targets: TargetBuffer
  private let weights: ExampleWeightBuffer
  private let scaling: InputScaling?
  private let augmenter: Augmenter?
  private let seed: UInt64
  let blocks: ExampleBlocks?
  /// The threads that the run uses.
  let team: TeamSize
  /// The epoch's examples in order, as places in the data set and as rows of its storage.
  private var order: [Int32] = []
  private var storageRows: [Int32]

  /// - Parameter blocks: How the examples are ordered, as for `Dataset`.
  init(_ trainer: Trainer, _ model: Model, _ dataset: Dataset, in blocks: ExampleBlocks?) throws {
    (self.dataset, self.blocks) = (dataset, blocks)
    (scaling, seed, team) = (model.scaling, trainer.seed, TeamSize(largest: trainer.threads))
    let layout = model.state.layout
    plan = trainer.plan(for: layout.network, examples: dataset.count)
    let most = plan.batches.largest
    targets = try TargetBuffer(
      dataset, output: model.output!, width: layout.network.outputCount, members: layout.network.members, batch: most,
      tellsTargetsApart: layout.network.outputCount > 1 && layout.network.members == 1)
    weights = ExampleWeightBuffer(dataset, batch: most)
    augmenter =
      trainer.augmentation.isEmpty
      ? nil
      : Augmenter(
        dataset, trainer.augmentation, scaling: model.scaling!, seed: trainer.seed, capacity: most,
        threads: trainer.threads)
    storageRows = Array(repeating: 0, count: dataset.count)
  }

  /// The number of batches in an epoch.
  var count: Int { plan.batches.count }

  /// Orders the examples for epoch `epoch`, from 0: the order follows only from the seed and the epoch.
  func shuffle(epoch: Int) {
    order = Self.order(dataset.count, epoch: epoch, seed: seed, in: blocks)
    for (position, index) in order.enumerated() { storageRows[position] = dataset.rows[Int(index)] }
  }

  static func order(_ count: Int, epoch: Int, seed: UInt64, in blocks: ExampleBlocks? = nil) -> [Int32] {
    var random = RandomNumbers(RandomKey(seed: seed).branch(RandomStream.shuffle).branch(epoch))
    if let blocks { return blocks.order(of: count, &random) }
    var order = (0..<Int32(count)).map { $0 }
    random.shuffle(&order)
    return order
  }

  /// The batch at `position`. Its weights are valid until the next one is asked for.
  /// - Parameter norms: Whether norms are frozen or take the statistics of its parts or of the whole.
  func batch(at position: TrainingPosition, norms: Batch.Norms) -> Batch {
    let range = plan.batches[position.batch]
    return Batch(
      position: position, range: range, parts: plan.parts(of: range.count, haveStatistics: norms == .ofParts),
      norms: norms, weights: weights.gather(range.count) { Int(order[range.lowerBound + $0]) })
  }

  /// Copies the examples of `part` of the batch to `input`.
  /// - Throws: `EvenkeelError` with code `data` for an example that is not finite, and for a file that has changed.
  func gather(_ part: Range<Int>, of batch: Batch, to input: UnsafeMutablePointer<Float>) throws {
    let (start, rows) = (batch.range.lowerBound + part.lowerBound, part.count)
    let bad: Int
    do { bad = try dataset.examples.reading { gather(start, rows, batch.position.epoch, input) } } catch let error
      as EvenkeelError
    { throw batch.position.failed(error.message.dropLast()) }
    guard bad >= 0 else { return }
    let (example, feature) = bad.quotientAndRemainder(dividingBy: dataset.shape.count)
    throw EvenkeelError.data(
      "Batch \(batch.position.batch + 1) of epoch \(batch.position.epoch + 1): example \(storageRows[start + example]) is not finite in \(dataset.featureName(feature)); nothing was changed."
    )
  }

  /// - Returns: The first position, in the rows as stored, that is NaN or infinite, or −1.
  private func gather(_ start: Int, _ rows: Int, _ epoch: Int, _ input: UnsafeMutablePointer<Float>) -> Int {
    if let augmenter {
      return order.withUnsafeBufferPointer {
        augmenter.gather(
          UnsafeBufferPointer(rebasing: $0[start..<start + rows]), epoch: epoch, into: input, threads: team.current)
      }
    }
    return storageRows.withUnsafeBufferPointer {
      dataset.examples.gather($0.baseAddress! + start, rows, into: input, scaling: scaling, threads: team.current)
    }
  }

  /// The targets of `part` of the batch.
  func targets(_ part: Range<Int>, of batch: Batch) -> BatchTargets {
    let start = batch.range.lowerBound + part.lowerBound
    return order.withUnsafeBufferPointer {
      targets.gather(UnsafeBufferPointer(rebasing: $0[start..<start + part.count]))
    }
  }
}

/// One batch of an epoch.
struct Batch {
  let position: TrainingPosition
  /// Its examples in the order of the epoch.
  let range: Range<Int>
  /// The parts that are computed at once, as ranges of its own examples.
  let parts: Parts
  /// How its norms take statistics.
  let norms: Norms
  /// The weights and lengths of its examples.
  let weights: BatchWeights

  /// How the norms of a step take statistics.
  enum Norms { case frozen, ofParts, ofWhole }

  var count: Int { range.count }
  /// Σ w.
  var weight: Double { weights.total(count) }

  /// The weights and lengths of some of its examples.
  func weights(_ part: Range<Int>) -> BatchWeights {
    BatchWeights(
      weights: weights.weights.map { $0 + part.lowerBound }, lengths: weights.lengths.map { $0 + part.lowerBound })
  }
}

/// A step's place in a training run.
struct TrainingPosition {
  /// Complete epochs, complete batches of the current one, and the total number of steps.
  var epoch = 0, batch = 0, step = 0

  /// An error in this step; `what` is a fragment without a period.
  func failed(_ what: some StringProtocol) -> EvenkeelError {
    .data("Step \(step + 1) of epoch \(epoch + 1): \(what); the model keeps the state before this step.")
  }

  func diverged(_ what: String, layer: String?) -> EvenkeelError {
    .data(
      "Training diverged: at step \(step + 1) (epoch \(epoch + 1), batch \(batch + 1)) \(what)\(layer.map { ", first in layer \($0)" } ?? ""); the model keeps the state before this step. A smaller learning rate or clipping may help."
    )
  }
}
