/// Examples and their targets: rows of features of one shape, in memory or in a mapped file.
///
/// A data set is a value that never changes. Subsets share the memory of the whole; rows are converted to floats and
/// scaled only as a batch gathers them, so a mapped file larger than memory can be trained on.
public struct Dataset: Sendable {
  /// The shape of one example: `[784]`, `[28, 28]`, `[32, 32, 3]`.
  public let shape: Shape
  /// What is to be predicted, one entry per row.
  public internal(set) var targets: Targets
  /// How the columns of a table became features; nil for data that was numbers from the start.
  public let encoding: TableEncoding?
  /// The file that each example was read from, where it has one of its own, as images have; nil otherwise.
  public let files: [String]?
  /// What the images of a folder became; nil for other data.
  public internal(set) var images: ImageInput?
  /// The weight of each example; nil for 1 each. `with(weights:lengths:)` sets it.
  public internal(set) var weights: [Float]?
  /// The number of valid positions of each example; nil for all of its shape.
  public internal(set) var lengths: [Int32]?

  /// How the examples are ordered in training if they lie in a file larger than memory; nil for an order that is random as a whole.
  package var blocks: ExampleBlocks?

  let examples: ExampleStorage
  /// The rows of `examples` that belong to this set, in order.
  let rows: [Int32]

  /// The number of examples.
  public var count: Int { rows.count }
  /// True if there are no examples.
  public var isEmpty: Bool { rows.isEmpty }

  init(
    shape: Shape, examples: ExampleStorage, rows: [Int32]? = nil, targets: Targets,
    encoding: TableEncoding? = nil, files: [String]? = nil
  ) {
    precondition(shape.count == examples.width, "The shape \(shape) does not fit rows of \(examples.width).")
    self.shape = shape
    self.examples = examples
    self.rows = rows ?? (0..<Int32(examples.count)).map { $0 }
    self.targets = targets
    self.encoding = encoding
    self.files = files
    precondition(targets.count == nil || targets.count == self.rows.count, "One target a row.")
  }

  /// Examples from values in memory, row after row.
  /// - Parameters:
  ///   - values: `shape.count` values per example.
  ///   - targets: One entry per example, or `.none`.
  /// - Throws: `EvenkeelError` with code `data` if the numbers of values and targets do not fit.
  public init(_ values: [Float], shape: Shape, targets: Targets = .none) throws {
    guard shape.dimensions.allSatisfy({ $0 > 0 }), let width = Shape.checkedCount(shape.dimensions),
      values.count % width == 0
    else {
      throw EvenkeelError.data("\(values.count) values are not whole examples of shape \(shape).")
    }
    let count = values.count / width
    guard targets.count == nil || targets.count == count else {
      throw EvenkeelError.data("Expected \(count) targets, one per example, got \(targets.count!).")
    }
    try targets.validate()
    let copy = try AlignedFloats(count: values.count, for: "A copy of \(count) examples")
    values.withUnsafeBufferPointer { if let start = $0.baseAddress { copy.start.update(from: start, count: $0.count) } }
    self.init(shape: shape, examples: ExampleStorage(copy, width: width), targets: targets)
  }

  /// Examples from doubles in memory, which are scaled as those of a file of doubles are.
  /// - Throws: `EvenkeelError` with code `data` if they are not whole examples.
  package init(doubles values: [Double], shape: Shape) throws {
    guard let width = Shape.checkedCount(shape.dimensions), width > 0, values.count % width == 0 else {
      throw EvenkeelError.data("\(values.count) values are not whole examples of shape \(shape).")
    }
    let copy = try AlignedFloats(count: 2 * values.count, for: "A copy of \(values.count / width) examples")
    let start = UnsafeMutableRawPointer(copy.start)
    values.withUnsafeBytes { if let bytes = $0.baseAddress { start.copyMemory(from: bytes, byteCount: $0.count) } }
    self.init(
      shape: shape,
      examples: ExampleStorage(
        owner: copy, base: UnsafeRawPointer(start), element: .float64, count: values.count / width, storedWidth: width),
      targets: .none)
  }

  /// The features of example `index` as they are stored, not scaled.
  public subscript(index: Int) -> [Float] {
    [Float](unsafeUninitializedCapacity: shape.count) { buffer, initialized in
      _ = withUnsafePointer(to: rows[index]) { examples.gather($0, 1, into: buffer.baseAddress!, scaling: nil) }
      initialized = shape.count
    }
  }

  /// The examples at `indices`, in that order.
  public func subset(_ indices: some Sequence<Int>) -> Dataset {
    let chosen = Array(indices)
    var subset = Dataset(
      shape: shape, examples: examples, rows: chosen.map { rows[$0] }, targets: targets.subset(chosen),
      encoding: encoding, files: files.map { files in chosen.map { files[$0] } })
    (subset.images, subset.blocks) = (images, blocks)
    subset.weights = weights.map { weights in chosen.map { weights[$0] } }
    subset.lengths = lengths.map { lengths in chosen.map { lengths[$0] } }
    return subset
  }

  /// Parts the set at random; the same seed gives the same parts. Of every class each part gets its share, and at least one example
  /// if the class has two or more; one that is alone goes to `first`.
  /// - Parameter fraction: The share of examples that goes to `second`, rounded to whole examples; more where many classes are rare.
  public func split(fraction: Double, seed: UInt64) -> (first: Dataset, second: Dataset) {
    let rows = RowSplit(count: count, targets: targets, test: fraction, seed: seed)
    return (subset(rows.training), subset(rows.test))
  }

  /// Requests memory for what is kept of each example besides its values: its place in every order, its target.
  static func requireMemory(forExamples count: Int, of name: String) throws {
    try Machine.requireMemory(64 * count, for: "\(name): an order and targets of \(count) examples")
  }

  /// The same for the rows of a table, of which as little is kept as can be.
  static func requireMemory(forRows count: Int, of name: String) throws {
    try Machine.requireMemory(24 * count, for: "\(name): an order and targets of \(count) rows")
  }
}

/// The parts of a data set. A part that was not asked for is empty.
public struct DatasetSplits: Sendable {
  /// What is learned from.
  public var training: Dataset
  /// What is evaluated while training.
  public var validation: Dataset
  /// What is evaluated at the end.
  public var test: Dataset
  /// Sentences about anything notable in the data: a constant column, an unknown class.
  public var warnings: [String] = []
  /// Why the target is taken for classes or for a number, if it could have been either.
  public var targetReason: String?
  /// The number of each training example's row in its table, from 0; nil where that is its place.
  package var trainingRows: [Int]?
  /// What tells the table from others that these are parts of; nil for other data.
  package var table: TrainingTable?

  /// Takes a share of the training examples for validation.
  package mutating func holdBack(_ share: Double, seed: UInt64) {
    (training, validation) = training.split(fraction: share, seed: seed)
  }
}

/// What is to be predicted for each example.
public enum Targets: Sendable {
  case none
  /// The class of each example as an index into `labels`; −1 for a class that training never saw.
  case classes([Int32], labels: [String])
  /// `names.count` numbers an example, example after example; in double, as what is far from 0 beside its deviation has digits
  /// that a float does not hold.
  case values([Double], names: [String])

  /// The number of examples; nil for `.none`, which fits any.
  var count: Int? {
    switch self {
    case .none: nil
    case .classes(let indices, _): indices.count
    case .values(let values, let names): names.isEmpty ? 0 : values.count / names.count
    }
  }

  func subset(_ chosen: [Int]) -> Targets {
    switch self {
    case .none: return .none
    case .classes(let indices, let labels): return .classes(chosen.map { indices[$0] }, labels: labels)
    case .values(let values, let names):
      let width = names.count
      return .values(chosen.flatMap { values[$0 * width..<($0 + 1) * width] }, names: names)
    }
  }

  /// - Throws: `EvenkeelError` with code `data` if a class is out of range or a value is not finite.
  func validate() throws {
    switch self {
    case .none: return
    case .classes(let indices, let labels):
      if Set(labels).count < labels.count {
        throw EvenkeelError.data("A class appears twice among \(labels.joined(separator: ", ")).")
      }
      if let row = indices.firstIndex(where: { $0 < -1 || $0 >= Int32(labels.count) }) {
        throw EvenkeelError.data(
          "The label of example \(row) is \(indices[row]); expected 0 to \(labels.count - 1).")
      }
    case .values(let values, let names):
      guard !names.isEmpty, values.count % names.count == 0 else {
        throw EvenkeelError.data("\(values.count) target values do not fill rows of \(names.count).")
      }
      if let position = values.firstIndex(where: { !$0.isFinite }) {
        throw EvenkeelError.data(
          "The target \(names[position % names.count]) of example \(position / names.count) is \(values[position]).")
      }
    }
  }
}
