import ArgumentParser
import Evenkeel

/// What is trained, validated and tested on, beside DATA itself.
struct DataOptions: ParsableArguments {
  @OptionGroup var table: TableColumnOptions
  @Option(help: "A share of the training data, e.g. 0.1, or separate DATA; evaluated after every epoch.")
  var validation = "0"
  @Option(
    help: "Separate DATA to test on at the end; by default the test part of DATA, or a fifth of it if it has none.")
  var test: String?
  @Option(
    help:
      "Random changes to training images, in order: crop, flip, rotate, cutout; with values crop:4,rotate:10,cutout:8 (pixels, degrees, pixels)."
  )
  var augment: String?

  @OptionGroup var photos: ImageSizeOptions
  @OptionGroup var broken: BrokenImageOption

  /// - Throws: `EvenkeelError`: of an option out of range, or of `Dataset.read`.
  func read(_ data: String, loss: LossOptions.Name?, seed: UInt64) throws -> DatasetSplits {
    let (options, ignored) = try table.options(loss: loss)
    let splits = try Dataset.read(
      data, target: table.target, weight: table.weight, ignoring: ignored, options: options, images: images,
      validation: try heldOut(), test: test.map { .data($0) } ?? .share(0.2), seed: seed)
    warn(splits.warnings)
    return splits
  }

  /// The same, with the columns of a table; nil for other data.
  /// - Throws: As `read`.
  func describe(_ data: String) throws -> (splits: DatasetSplits, columns: [ColumnDescription]?) {
    let (options, ignored) = try table.options(loss: nil)
    let (splits, columns) = try Dataset.describe(
      data, target: table.target, weight: table.weight, ignoring: ignored, options: options, images: images,
      validation: try heldOut(), test: test.map { .data($0) } ?? .share(0.2))
    warn(splits.warnings)
    return (splits, columns)
  }

  private var images: ImageOptions {
    ImageOptions(size: photos.imageSize, resizing: photos.resize, skipsBroken: broken.skipBroken)
  }

  private func heldOut() throws -> HeldOut {
    guard let share = Double(validation) else { return .data(validation) }
    guard (0..<1).contains(share) else {
      throw EvenkeelError(
        .usage, "--validation is \(validation); expected a share of at least 0 and less than 1, or DATA.")
    }
    return .share(share)
  }

  func augmentation() throws -> [Augmentation] { try augment.map { try Augmentation.list($0) } ?? [] }

  /// Makes sure that the rows count as in the run that `checkpoint` continues.
  /// - Throws: `EvenkeelError` with code `usage`.
  func requireWeight(of checkpoint: Checkpoint) throws {
    guard let encoding = checkpoint.model.encoding, encoding.weightName != table.weight else { return }
    throw EvenkeelError(
      .usage,
      encoding.weightName.map { "The checkpoint's run used --weight \($0); use it here too." }
        ?? "The checkpoint's run had no --weight; omit it.")
  }
}
