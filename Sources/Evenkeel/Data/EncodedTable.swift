import FoundationEssentials
import Glibc

/// A table as `encode` writes it: the features of its rows, targets and weights, which are used where they lie in the file.
///
/// The rows for training come first, then those for validation and the test, each in the order of the source. The file: 8 bytes that name
/// the format; the position of the description (8 bytes); from byte 4096 on the features, row after row, as floats or doubles; the targets,
/// classes as 32-bit integers or values as doubles; the weights as floats, if there are any; the description as JSON. Numbers are
/// little-endian.
struct EncodedTable {
  static let magic = Array("EKDATA1\n".utf8)

  /// What the file says of itself.
  struct Description: Codable {
    let encoding: TableEncoding
    /// The rows of each part.
    let training, validation, test: Int
    let hasWeights: Bool
    var warnings: [String]
    let targetReason: String?
    /// What the parts were drawn with.
    let seed: UInt64
    /// The file that the table was; nil if it came through a pipe.
    let source: SourceFingerprint?

    var count: Int { training + validation + test }
    var width: Int { encoding.columns.reduce(0) { $0 + $1.width } }
    var element: ExampleStorage.Element { encoding.isInDouble ? .float64 : .float32 }
    private var isRegression: Bool { encoding.classLabels.isEmpty }

    /// Where the features, targets, weights and this description begin.
    var features: Int { 4096 }
    var targets: Int { features + count * width * element.size }
    var weights: Int { targets + count * targetSize }
    var end: Int { weights + (hasWeights ? count * MemoryLayout<Float>.stride : 0) }
    var targetSize: Int { isRegression ? MemoryLayout<Double>.stride : MemoryLayout<Int32>.stride }

    /// The rows of the parts in the file.
    var parts: (training: Range<Int>, validation: Range<Int>, test: Range<Int>) {
      (0..<training, training..<training + validation, training + validation..<count)
    }
  }

  let bytes: FileBytes
  let description: Description

  /// The table that was written to `bytes` with this description.
  init(_ bytes: FileBytes, _ description: Description) {
    (self.bytes, self.description) = (bytes, description)
  }

  /// nil for a file that is none.
  /// - Throws: `EvenkeelError` with code `data` if it is damaged.
  init?(_ bytes: FileBytes) throws {
    guard bytes.bytes.starts(with: Self.magic) else { return nil }
    let damage = Self.damage(bytes)
    guard bytes.count >= 4096 else { throw damage }
    let start = bytes.bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    guard start >= 4096, start < UInt64(bytes.count) else { throw damage }
    let text = Data(UnsafeRawBufferPointer(rebasing: bytes.bytes[Int(start)...]))
    guard let description = try? JSONDecoder().decode(Description.self, from: text) else { throw damage }
    let most = 1 << 40
    let sizes = [description.training, description.validation, description.test]
    guard sizes.allSatisfy({ (0...Int(Int32.max)).contains($0) }), description.count <= Int(Int32.max),
      (1...most / max(1, description.count)).contains(description.width), description.end == Int(start)
    else { throw damage }
    self.init(bytes, description)
  }

  private static func damage(_ bytes: FileBytes) -> EvenkeelError {
    .data("\(bytes.name): the encoded table is damaged or not whole; encode it again.")
  }

  /// The parts. Their targets and weights are copied.
  /// - Throws: `EvenkeelError` with code `data` if the file is damaged.
  func splits() throws -> DatasetSplits {
    let parts = description.parts
    try Dataset.requireMemory(forRows: description.count, of: bytes.name)
    let examples = ExampleStorage(
      owner: bytes, base: bytes.start + description.features, element: description.element, count: description.count,
      storedWidth: description.width)
    func part(_ rows: Range<Int>) throws -> Dataset {
      let targets = targets(rows)
      try targets.validate()
      var part = Dataset(
        shape: [description.width], examples: examples, rows: rows.map { Int32($0) }, targets: targets,
        encoding: description.encoding)
      guard description.hasWeights else { return part }
      let weights: [Float] = values(rows, at: description.weights)
      guard weights.allSatisfy({ $0 >= 0 && $0.isFinite }) else { throw Self.damage(bytes) }
      part.weights = weights
      return part
    }
    return DatasetSplits(
      training: try part(parts.training), validation: try part(parts.validation), test: try part(parts.test),
      warnings: description.warnings, targetReason: description.targetReason)
  }

  /// - Throws: `EvenkeelError` with code `data` if the table that was encoded is another now.
  func requireSourceUnchanged() throws { try description.source?.requireUnchanged(since: bytes.name) }

  /// The examples that a model is used on: those for the test if there are any, else all.
  /// - Parameters:
  ///   - encoding: That of the model.
  ///   - training: Takes those for training.
  /// - Throws: `EvenkeelError`: `usage` for predictions, which go with the rows of the source, `data` if the model takes other features.
  func examples(encoding: TableEncoding?, targets: Bool, training: Bool) throws -> Dataset {
    guard targets else {
      throw EvenkeelError.usage(
        "\(bytes.name): its rows are not in the order of the table that was encoded; predictions need the table itself."
      )
    }
    guard TableEncoding.agree(encoding, description.encoding) else {
      throw EvenkeelError.data(
        "\(bytes.name): it was encoded for another model; expected the model's own features and target.")
    }
    try requireSourceUnchanged()
    let splits = try splits()
    return training || splits.test.isEmpty ? splits.training : splits.test
  }

  private func targets(_ rows: Range<Int>) -> Targets {
    let labels = description.encoding.classLabels
    return labels.isEmpty
      ? .values(values(rows, at: description.targets), names: [description.encoding.targetName])
      : .classes(values(rows, at: description.targets), labels: labels)
  }

  private func values<Value: BitwiseCopyable>(_ rows: Range<Int>, at start: Int) -> [Value] {
    let size = MemoryLayout<Value>.stride
    return rows.map { bytes.bytes.loadUnaligned(fromByteOffset: start + $0 * size, as: Value.self) }
  }
}
