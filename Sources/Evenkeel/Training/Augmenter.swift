import Kernels

/// Gathers batches of augmented, scaled examples; it owns the memory for that.
///
/// The changes to an example follow only from the seed, the epoch and its place in the data set: neither the number of
/// threads nor a resumed run changes a bit. Only one thread at a time may call it.
package final class Augmenter {
  private let dataset: Dataset
  private let augmentation: [Augmentation]
  private let scaling: InputScaling
  private let key: RandomKey
  private let capacity: Int
  private let threads: Int
  private let rows: UnsafeMutablePointer<Int32>
  private let transforms: UnsafeMutablePointer<ek_transform>
  private let scratch: AlignedFloats

  /// - Parameters:
  ///   - dataset: Images of shape `[H, W]` or `[H, W, C]`.
  ///   - capacity: The largest batch.
  package init(
    _ dataset: Dataset, _ augmentation: [Augmentation], scaling: InputScaling, seed: UInt64, capacity: Int,
    threads: Int
  ) {
    self.dataset = dataset
    self.augmentation = augmentation
    self.scaling = scaling
    self.capacity = capacity
    self.threads = threads
    key = RandomKey(seed: seed).branch(RandomStream.augmentation)
    rows = .allocate(capacity: capacity)
    transforms = .allocate(capacity: capacity * augmentation.count)
    scratch = AlignedFloats(count: 2 * dataset.shape.count * threads)
  }

  deinit {
    rows.deallocate()
    transforms.deallocate()
  }

  /// Writes the examples at `positions` of the data set to `output`, changed as epoch `epoch` has it.
  /// - Returns: The first position, in the rows as stored, that is NaN or infinite, or −1.
  package func gather(
    _ positions: UnsafeBufferPointer<Int32>, epoch: Int, into output: UnsafeMutablePointer<Float>,
    threads: Int? = nil
  ) -> Int {
    let threads = threads ?? self.threads
    precondition(positions.count <= capacity && threads <= self.threads)
    let (height, width) = (dataset.shape.dimensions[0], dataset.shape.dimensions[1])
    let ofEpoch = key.branch(epoch)
    for (index, position) in positions.enumerated() {
      rows[index] = dataset.rows[Int(position)]
      var random = RandomNumbers(ofEpoch.branch(Int(position)))
      for step in augmentation.indices {
        transforms[index * augmentation.count + step] =
          augmentation[step].draw(&random, height: height, width: width)
      }
    }
    var source = dataset.examples.source
    return scaling.withView(of: dataset.examples.element) {
      ek_gather_augmented(
        &source, rows, positions.count, height, width, dataset.shape.count / (height * width), transforms,
        augmentation.count, $0, scratch.start, output, Int32(threads))
    }
  }
}
