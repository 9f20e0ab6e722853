import Glibc

extension Dataset {
  /// Reads DATA as the command names it: `digits`, a CSV file or a folder of IDX files.
  /// - Throws: `EvenkeelError` that names the path if there is nothing, or nothing that can be read.
  public static func read(
    _ path: String, target: String? = nil, validation: Double = 0, seed: UInt64 = 0
  ) throws -> DatasetSplits {
    if path == "digits" {
      let held = Int(10_000 * validation)
      return try digits(training: 10_000 - held, validation: held, seed: seed)
    }
    guard try isFolder(path) else {
      return try csv(at: path, target: target, validation: validation, test: 0.2, seed: seed)
    }
    return try idx(at: path, validation: validation, seed: seed)
  }

  /// The examples that a stored model is used on: all rows of a CSV file (`-` is standard input), the test part of the rest.
  public static func readForUse(
    _ path: String, by model: Model, targets: Bool
  ) throws -> (dataset: Dataset, warnings: [String]) {
    if let encoding = model.encoding {
      let bytes = path == "-" ? try FileBytes(reading: 0, name: "standard input") : try FileBytes(path)
      return try csv(bytes, encoding: encoding, targets: targets)
    }
    guard try path == "digits" || isFolder(path) else {
      throw EvenkeelError.data(
        "\(path): the model was trained on images, not on a table; expected a folder of IDX files.")
    }
    return (try read(path).test, [])
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
