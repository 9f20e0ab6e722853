import ArgumentParser
import Evenkeel

/// What is trained, validated and tested on, beside DATA itself.
struct DataOptions: ParsableArguments {
  @OptionGroup var columns: TableColumnOptions
  @Option(
    help:
      "A share of the training data, e.g. 0.1, or separate DATA; evaluated after every epoch. By default 0.15 of a table, whose best epoch is kept, and nothing of other data."
  )
  var validation: String?
  @Option(
    help: "Separate DATA to test on at the end; by default the test part of DATA, or a fifth of it if it has none.")
  var test: String?
  @Option(
    help:
      "Random changes to training images, in order: crop, flip, rotate, cutout; with values crop:4,rotate:10,cutout:8 (pixels, degrees, pixels)."
  )
  var augment: String?

  @OptionGroup var database: DatabaseOptions
  @OptionGroup var photos: ImageSizeOptions
  @OptionGroup var broken: BrokenImageOption

  /// - Throws: `EvenkeelError`: of an option out of range, or of `Dataset.read`.
  /// - Parameters:
  ///   - mostOneHot: As in `TableOptions`.
  ///   - sharding: The ranks that have a file each; nil where `data` is the same for all.
  func read(
    _ data: String, loss: LossOptions.Name?, mostOneHot: Int? = nil, seed: UInt64, sharding: (any Communicator)?
  ) throws -> DatasetSplits {
    let splits = try read(
      data, loss: loss, mostOneHot: mostOneHot, validation: heldOut(), test: test.map { .data($0) } ?? .share(0.2),
      seed: seed, sharding: sharding)
    warn(splits.warnings)
    return splits
  }

  /// The examples that folds are made of, in the training part; the test part only if DATA has one.
  /// - Throws: As `read`, and `usage` for validation data of its own.
  func readForFolds(
    _ data: String, loss: LossOptions.Name?, mostOneHot: Int?, seed: UInt64
  ) throws -> DatasetSplits {
    guard data != "-" else {
      throw EvenkeelError(
        .usage, "--folds reads DATA once for each fold; standard input can be read once.")
    }
    guard case .share = try heldOut() else {
      throw EvenkeelError(
        .usage, "--folds takes --validation as a share of each fold's training rows, not as DATA.")
    }
    let splits = try read(
      data, loss: loss, mostOneHot: mostOneHot, validation: .share(0), test: .share(0), seed: seed)
    warn(splits.warnings)
    return splits
  }

  /// What is trained, validated and judged on in a fold; the whole has said what is notable.
  /// - Throws: As `read`.
  func read(
    _ data: String, loss: LossOptions.Name?, mostOneHot: Int?, fold: Fold, seed: UInt64
  ) throws -> DatasetSplits {
    try read(
      data, loss: loss, mostOneHot: mostOneHot, validation: heldOut(), test: .share(0), fold: fold, seed: seed)
  }

  private func read(
    _ data: String, loss: LossOptions.Name?, mostOneHot: Int?, validation: HeldOut, test: HeldOut, fold: Fold? = nil,
    seed: UInt64, sharding: (any Communicator)? = nil
  ) throws -> DatasetSplits {
    let (options, ignored) = try columns.options(loss: loss, mostOneHot: mostOneHot)
    if let sharding {
      return try RankFiles.reading(data, hasHeader: options.hasHeader, among: sharding) { rows in
        try Dataset.read(
          rows, rows: database.rows(), target: columns.target, weight: columns.weight, ignoring: ignored,
          options: options, images: images, validation: validation, test: test, seed: seed)
      }
    }
    return try Dataset.read(
      data, rows: database.rows(), target: columns.target, weight: columns.weight, ignoring: ignored,
      options: options, images: images, validation: validation, test: test, fold: fold, seed: seed)
  }

  /// What is trained, validated and tested on, with the columns of a table; nil for other data.
  /// - Throws: As `read`.
  func describe(_ data: String) throws -> (splits: DatasetSplits, columns: [ColumnDescription]?) {
    let (options, ignored) = try columns.options(loss: nil)
    let (splits, described) = try Dataset.describe(
      data, rows: database.rows(), target: columns.target, weight: columns.weight, ignoring: ignored,
      options: options, images: images, validation: try heldOut(), test: test.map { .data($0) } ?? .share(0.2))
    warn(splits.warnings)
    return (splits, described)
  }

  private var images: ImageOptions {
    ImageOptions(size: photos.imageSize, resizing: photos.resize, skipsBroken: broken.skipBroken)
  }

  private func heldOut() throws -> HeldOut {
    let validation = validation ?? "0"
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
    guard let encoding = checkpoint.model.encoding, encoding.weightName != columns.weight else { return }
    throw EvenkeelError(
      .usage,
      encoding.weightName.map { "The checkpoint's run used --weight \($0); use it here too." }
        ?? "The checkpoint's run had no --weight; omit it.")
  }
}
