/// The arrays of an NPZ file: a zip archive of NPY files, read as they are asked for.
package struct NumpyArchive {
  let name: String
  /// What the arrays are called, in the order of the file.
  let names: [String]
  private let archive: ZipArchive
  private static let suffix = ".npy"

  /// - Throws: `EvenkeelError` with code `data` for a damaged archive or one without arrays.
  package init(_ bytes: FileBytes) throws {
    archive = try ZipArchive(bytes)
    name = bytes.name
    names = archive.members.map(\.name).filter { $0.hasSuffix(Self.suffix) }.map {
      String($0.dropLast(Self.suffix.count))
    }
    guard !names.isEmpty else { throw EvenkeelError.data("\(name): there are no arrays in the archive.") }
  }

  /// Reads the array `key`; its header is held against the size that the archive declares before that is reserved.
  func array(_ key: String) throws -> NumpyArray {
    let member = archive.members.first { $0.name == key + Self.suffix }!
    let full = "\(name), array \(key)"
    let beginning = try archive.beginning(of: member, count: NumpyHeader.maximumLength, name: full)
    try beginning.withUnsafeBytes { try NumpyHeader($0, name: full).requireContent(member.count, name: full) }
    return try NumpyArray(archive.content(of: member, name: full))
  }

  /// The arrays of inputs and of targets of one part, as they are called in this file.
  private typealias Pair = (inputs: String, targets: String?)

  private static let training = [
    ("x_train", "y_train"), ("train_images", "train_labels"), ("X", "y"), ("data", "target"), ("images", "labels"),
  ]
  private static let validation = [("x_val", "y_val"), ("val_images", "val_labels")]
  private static let test = [("x_test", "y_test"), ("test_images", "test_labels")]

  private static let weightNames = ["weights", "sample_weight"]
  private static let lengthNames = ["lengths"]

  /// What the array `wanted` is called in this file; capitals do not matter. nil if it is not there.
  private func find(_ wanted: String) -> String? {
    names.first { $0 == wanted } ?? names.first { $0.lowercased() == wanted.lowercased() }
  }

  /// The suffix of all names that belong to `inputs`: `_train` of x_train and train_images, nothing of X.
  private static func ending(_ inputs: String) -> String {
    ["train", "test", "val"].first { inputs.lowercased().contains($0) }.map { "_" + $0 } ?? ""
  }

  /// The one of the arrays `wanted`, one name for each way to say the same, that belongs to `inputs`; nil if there is none.
  /// - Throws: `EvenkeelError` with code `data` for two of them, or for one that does not say which part it belongs to.
  private func companion(_ wanted: [String], of inputs: String) throws -> String? {
    let ending = Self.ending(inputs)
    let found = wanted.compactMap { find($0 + ending) }
    guard found.count < 2 else {
      throw EvenkeelError.data(
        "\(name): the arrays \(found.joined(separator: " and ")) both belong to \(inputs); expected only one of them.")
    }
    if !ending.isEmpty, let bare = wanted.compactMap({ find($0) }).first {
      throw EvenkeelError.data(
        "\(name): the array \(bare) does not say which part it belongs to; expected \(bare)\(ending) beside \(inputs).")
    }
    return found.first
  }

  /// A sentence about arrays that belong to no part and are not read, as those whose name has a slip.
  var warnings: [String] {
    var known: Set<String> = []
    for (inputs, targets) in [Self.training, Self.validation, Self.test].compactMap({ pair($0) }) {
      known.insert(inputs)
      if let targets { known.insert(targets) }
      known.formUnion((Self.weightNames + Self.lengthNames).compactMap { find($0 + Self.ending(inputs)) })
    }
    let unread = names.filter { !known.contains($0) }
    guard !unread.isEmpty else { return [] }
    return [
      "\(name): the array\(unread.count > 1 ? "s" : "") \(Self.list(unread)) \(unread.count > 1 ? "are" : "is") not read."
    ]
  }

  /// The first of `conventions` whose inputs are there, those with targets first; capitals do not matter.
  private func pair(_ conventions: [(String, String)]) -> Pair? {
    let pairs = conventions.compactMap { inputs, targets in find(inputs).map { Pair($0, find(targets)) } }
    return pairs.first { $0.targets != nil } ?? pairs.first
  }

  private func unknown(_ conventions: [(String, String)]) -> EvenkeelError {
    let expected = conventions.map { "\($0) and \($1)" }.joined(separator: "; ")
    return .data("\(name) holds the arrays \(list); expected \(expected).")
  }

  /// The arrays by name, the first of very many.
  private var list: String { Self.list(names) }

  private static func list(_ names: [String]) -> String {
    names.prefix(20).joined(separator: ", ") + (names.count > 20 ? ", …" : "")
  }

  func splits(validation: Double, test: Double, seed: UInt64) throws -> DatasetSplits {
    guard let pair = pair(Self.training), pair.targets != nil else { throw unknown(Self.training) }
    let whole = try dataset(pair)
    var warnings = self.warnings
    let ownTest = try part(Self.test, like: whole, &warnings)
    let ownValidation = validation == 0 ? try part(Self.validation, like: whole, &warnings) : nil
    var splits = whole.parted(
      RowSplit(
        count: whole.count, targets: whole.targets, validation: validation, test: ownTest == nil ? test : 0, seed: seed)
    )
    if let ownTest { splits.test = ownTest }
    if let ownValidation { splits.validation = ownValidation }
    splits.warnings = warnings
    return splits
  }

  /// A part beside the training examples; nil if there is none, or none with targets.
  private func part(
    _ conventions: [(String, String)], like training: Dataset, _ warnings: inout [String]
  ) throws -> Dataset? {
    guard let pair = pair(conventions) else { return nil }
    guard pair.targets != nil else {
      warnings.append("\(name): \(pair.inputs) has no targets, so it is not used.")
      return nil
    }
    let part = try dataset(pair, like: training.targets)
    guard part.shape == training.shape else {
      throw EvenkeelError.data(
        "\(name), array \(pair.inputs): expected examples of shape \(training.shape) as in training, got \(part.shape)."
      )
    }
    return part
  }

  /// The test part (or the training part), or the other of a file that has none.
  func examples(targets: Bool, weights: Bool, training: Bool) throws -> Dataset {
    let parts = training ? [Self.training, Self.test] : [Self.test, Self.training]
    guard let pair = pair(parts[0]) ?? pair(parts[1]) else { throw unknown(parts[0] + parts[1]) }
    guard targets else { return try dataset((pair.inputs, nil), weights: weights) }
    guard pair.targets != nil else {
      throw EvenkeelError.data(
        "\(name): \(pair.inputs) has no targets to evaluate with; it holds the arrays \(list)."
      )
    }
    return try dataset(pair, weights: weights)
  }

  /// - Parameter training: The targets of the training part, whose kind and classes these have too, and other classes after those; nil to
  ///   go by the array.
  private func dataset(_ pair: Pair, like training: Targets? = nil, weights: Bool = true) throws -> Dataset {
    let inputs = try array(pair.inputs)
    let dataset = Dataset(
      shape: inputs.exampleShape, examples: try inputs.examples(),
      targets: try pair.targets.map { try targets(array($0), of: inputs, like: training) } ?? .none)
    return try dataset.with(
      self, weights: weights ? companion(Self.weightNames, of: pair.inputs) : nil,
      lengths: companion(Self.lengthNames, of: pair.inputs))
  }

  private func targets(_ array: NumpyArray, of inputs: NumpyArray, like training: Targets?) throws -> Targets {
    guard array.count == inputs.count else {
      throw EvenkeelError.data(
        "\(array.name): expected \(inputs.count) targets, one per example of \(inputs.name), got \(array.count).")
    }
    guard array.header.shape.rank <= 2 else {
      throw EvenkeelError.data(
        "\(array.name): expected targets of the shape [\(array.count)] or [\(array.count), k], got \(array.header.shape)."
      )
    }
    let (isRegression, known): (Bool, [String]?) =
      switch training {
      case .values: (true, nil)
      case .classes(_, let labels) where array.width == 1: (false, labels)
      default: (!array.isInteger || array.width > 1, nil)
      }
    guard !isRegression else {
      try Machine.requireMemory(array.count * array.width * MemoryLayout<Double>.size, for: "\(array.name) in memory")
      return .values(
        try array.finiteTargets(array.values()),
        names: array.width == 1 ? ["y"] : (0..<array.width).map { "y\($0)" })
    }
    // Each class is an output of the network: numbers that go further are meant as values.
    let limit = 65_536
    let values = array.column(0)
    if let example = values.firstIndex(where: { !(0..<Double(limit)).contains($0) || $0 != $0.rounded() }) {
      throw EvenkeelError.data(
        "\(array.name): the label of example \(example) is \(TableEncoding.label(values[example])); expected a class from 0 to \(limit - 1)\(known == nil ? " (values to be predicted are floats)" : "")."
      )
    }
    let labels =
      (known ?? []) + ((known?.count ?? 0)..<max(known?.count ?? 0, Int(values.max()!) + 1)).map { String($0) }
    return .classes(values.map { Int32($0) }, labels: labels)
  }
}
