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
  /// Reads DATA as the command names it: `digits`, a CSV, NPY or NPZ file, or a folder of IDX files.
  ///
  /// - Parameters:
  ///   - target: The column of a table to predict, by name, of an NPY file by number from 0; the last one by default.
  ///   - validation: What is set apart to be evaluated after every epoch.
  ///   - test: What is set apart for the end. A share matters to data without a test part of its own: `digits` and IDX have
  ///     one, an NPZ file may.
  /// - Throws: `EvenkeelError` that names the path if there is nothing, or nothing that can be read.
  public static func read(
    _ path: String, target: String? = nil, validation: HeldOut = .share(0), test: HeldOut = .share(0.2),
    seed: UInt64 = 0
  ) throws -> DatasetSplits {
    var splits: DatasetSplits
    if path == "digits" {
      let held = Int(10_000 * validation.share)
      splits = try digits(training: 10_000 - held, validation: held, seed: seed)
    } else if try isFolder(path) {
      splits = try idx(at: path, validation: validation.share, seed: seed)
    } else {
      let bytes = try FileBytes(path)
      if let numpy = try NumpyFile(bytes) {
        splits = try numpy.splits(target: target, validation: validation.share, test: test.share, seed: seed)
      } else {
        splits = try csv(bytes, target: target, validation: validation.share, test: test.share, seed: seed)
      }
    }
    if case .data(let other) = validation {
      splits.validation = try readForUse(other, encoding: splits.training.encoding, targets: true, &splits.warnings)
    }
    if case .data(let other) = test {
      splits.test = try readForUse(other, encoding: splits.training.encoding, targets: true, &splits.warnings)
    }
    return splits
  }

  /// The examples that a stored model is used on: the test part of data that has one, else all; `-` is a CSV or NPY file
  /// on standard input.
  public static func readForUse(
    _ path: String, by model: Model, targets: Bool
  ) throws -> (dataset: Dataset, warnings: [String]) {
    var warnings: [String] = []
    let dataset = try readForUse(path, encoding: model.encoding, targets: targets, &warnings)
    return (dataset, warnings)
  }

  private static func readForUse(
    _ path: String, encoding: TableEncoding?, targets: Bool, _ warnings: inout [String]
  ) throws -> Dataset {
    // Columns that have names only a CSV file has.
    let isOfNamedColumns = encoding.map { $0.targetColumn == nil } ?? false
    if !isOfNamedColumns, path != "-", try path == "digits" || isFolder(path) { return try read(path).test }
    let bytes = path == "-" ? try FileBytes(reading: 0, name: "standard input") : try FileBytes(path)
    if let numpy = try NumpyFile(bytes) { return try numpy.examples(encoding: encoding, targets: targets) }
    guard let encoding, isOfNamedColumns else {
      throw EvenkeelError.data(
        "\(bytes.name): the model was trained on arrays of numbers, not on a table of named columns; expected an NPY or NPZ file, a folder of IDX files or digits."
      )
    }
    return try csv(bytes, encoding: encoding, targets: targets, warnings: &warnings)
  }

  private static func isFolder(_ path: String) throws -> Bool {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw EvenkeelError.noInput("\(path): \(String(cString: strerror(errno))).")
    }
    return status.st_mode & S_IFMT == S_IFDIR
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
