import Glibc

/// What is set apart from the training examples.
public enum HeldOut: Hashable, Sendable {
  /// A share of them, drawn by the seed.
  case share(Double)
  /// Data of its own, named as for `Dataset.read`.
  case data(String)

  fileprivate var share: Double { if case .share(let share) = self { share } else { 0 } }
}

extension Dataset {
  /// Reads DATA as the command names it: `digits`, a CSV file, or a folder of IDX files, of CIFAR-10's batches or of images.
  ///
  /// - Parameters:
  ///   - target: The column of a table to predict; the last one by default.
  ///   - validation: What is set apart to be evaluated after every epoch.
  ///   - test: What is set apart for the end. A share matters to tables and to images without parts; the rest
  ///     have a test part of their own.
  /// - Throws: `EvenkeelError` that names the path if there is nothing, or nothing that can be read.
  public static func read(
    _ path: String, target: String? = nil, validation: HeldOut = .share(0), test: HeldOut = .share(0.2),
    seed: UInt64 = 0
  ) throws -> DatasetSplits {
    var splits: DatasetSplits
    if path == "digits" {
      let held = Int(10_000 * validation.share)
      splits = try digits(training: 10_000 - held, validation: held, seed: seed)
    } else if try Folder.isFolder(path) {
      splits = try folder(at: path, validation: validation.share, test: test.share, seed: seed)
    } else {
      splits = try csv(at: path, target: target, validation: validation.share, test: test.share, seed: seed)
    }
    let (encoding, length) = (splits.training.encoding, splits.training.shape.count)
    if case .data(let other) = validation {
      splits.validation = try readForUse(
        other, encoding: encoding, length: length, targets: true, &splits.warnings)
    }
    if case .data(let other) = test {
      splits.test = try readForUse(other, encoding: encoding, length: length, targets: true, &splits.warnings)
    }
    return splits
  }

  private static func folder(at path: String, validation: Double, test: Double, seed: UInt64) throws -> DatasetSplits {
    switch try Folder(path).content() {
    case .idx: return try idx(at: path, validation: validation, seed: seed)
    case .cifar10: return try cifar10(at: path, validation: validation, seed: seed)
    case .imageFolders: return try images(at: path, validation: validation, test: test, seed: seed)
    case .images:
      throw EvenkeelError.data("\(path): expected a folder of images for each class; these have no classes.")
    }
  }

  /// The examples that a stored model is used on: all rows of a CSV file (`-` is standard input), an image or all images
  /// of a folder, the test part of what has one.
  public static func readForUse(
    _ path: String, by model: Model, targets: Bool
  ) throws -> (dataset: Dataset, warnings: [String]) {
    var warnings: [String] = []
    let dataset = try readForUse(
      path, encoding: model.encoding, length: model.network.input.count, targets: targets, &warnings)
    return (dataset, warnings)
  }

  private static func readForUse(
    _ path: String, encoding: TableEncoding?, length: Int, targets: Bool, _ warnings: inout [String]
  ) throws -> Dataset {
    if let encoding {
      let bytes = path == "-" ? try FileBytes(reading: 0, name: "standard input") : try FileBytes(path)
      return try csv(bytes, encoding: encoding, targets: targets, warnings: &warnings)
    }
    guard path != "digits" else { return try read(path).test }
    if try Folder.isFolder(path) {
      switch try Folder(path).content() {
      case .idx: return try idx(at: path).test
      case .cifar10: return try cifar10Test(at: path)
      case .imageFolders, .images: break
      }
    }
    return try imagesForUse(at: path, length: length, targets: targets)
  }

  /// The number of outputs that a network for these targets has.
  public var outputCount: Int {
    switch targets {
    case .none: 0
    case .classes(_, let labels): labels.count
    case .values(_, let names): names.count
    }
  }
}
