import Glibc

extension Dataset {
  /// Reads DATA as the command names it: `digits`, or a folder of IDX files.
  /// - Throws: `EvenkeelError` that names the path if there is nothing, or nothing that can be read.
  public static func read(
    _ path: String, target: String? = nil, validation: Double = 0, seed: UInt64 = 0
  ) throws -> DatasetSplits {
    if path == "digits" {
      let held = Int(10_000 * validation)
      return try digits(training: 10_000 - held, validation: held, seed: seed)
    }
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw EvenkeelError.noInput("\(path): \(String(cString: strerror(errno))).")
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw EvenkeelError.usage("\(path) is a file; this version reads folders of IDX files.")
    }
    return try idx(at: path, validation: validation, seed: seed)
  }

  /// The examples that a stored model is used on: the test part of what `path` names.
  public static func readForUse(_ path: String, by model: Model, targets: Bool) throws -> Dataset {
    try read(path).test
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
