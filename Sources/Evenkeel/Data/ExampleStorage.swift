import Kernels

/// Rows of numbers of one kind, in memory or in a mapped file: base address, element, stride.
///
/// `owner` keeps the memory alive; nobody writes to it.
struct ExampleStorage: @unchecked Sendable {
  /// The kinds of number that are converted as a batch is gathered.
  enum Element: Sendable {
    case uint8, float32, float64, int32, uint32, int64, uint64

    var kernel: ek_element {
      switch self {
      case .uint8: EK_UINT8
      case .float32: EK_FLOAT32
      case .float64: EK_FLOAT64
      case .int32: EK_INT32
      case .uint32: EK_UINT32
      case .int64: EK_INT64
      case .uint64: EK_UINT64
      }
    }

    var size: Int {
      switch self {
      case .uint8: 1
      case .float32, .int32, .uint32: 4
      case .float64, .int64, .uint64: 8
      }
    }

    /// Whether there are numbers of this kind that a float does not hold.
    var exceedsFloat: Bool { self != .uint8 && self != .float32 }
  }

  private let owner: any Sendable
  /// The file that the rows lie in, where they do.
  private let file: FileBytes?
  let base: UnsafeRawPointer
  let element: Element
  /// The number of rows.
  let count: Int
  /// The number of values of one row as read, `skippedColumn` left out.
  let width: Int
  /// A column of the stored rows that is the target and no feature.
  let skippedColumn: Int?

  /// - Parameters:
  ///   - owner: What keeps the memory at `base` alive.
  ///   - base: `count` rows of `storedWidth` elements, aligned to the element's size.
  init(
    owner: any Sendable, base: UnsafeRawPointer, element: Element, count: Int, storedWidth: Int,
    skippedColumn: Int? = nil
  ) {
    self.owner = owner
    file = owner as? FileBytes
    self.base = base
    self.element = element
    self.count = count
    self.width = storedWidth - (skippedColumn == nil ? 0 : 1)
    self.skippedColumn = skippedColumn
  }

  /// Rows of floats in memory, row after row.
  init(_ floats: AlignedFloats, width: Int) {
    self.init(
      owner: floats, base: UnsafeRawPointer(floats.start), element: .float32, count: floats.count / width,
      storedWidth: width)
  }

  /// The order in which to read the rows if `memory` is what there is: in blocks where they lie in a file and take more than half of it.
  func blocks(memory: Int) -> ExampleBlocks? {
    let size = count * (width + (skippedColumn == nil ? 0 : 1)) * element.size
    return file != nil && size > memory / 2 ? ExampleBlocks() : nil
  }

  /// - Throws: `EvenkeelError` with code `data` if another program has written to the file that the rows lie in.
  func requireUnchanged() throws { try file?.requireUnchanged() }

  /// What `gather` makes of the rows, if the file that they lie in is whole before and after.
  /// - Throws: As `requireUnchanged`.
  func reading<Result>(_ gather: () throws -> Result) throws -> Result {
    guard let file else { return try gather() }
    try file.requireUnchanged()
    let result = try gather()
    try file.requireWhole()
    return result
  }

  /// The rows as the kernels read them.
  var source: ek_source {
    ek_source(
      base: base, element: element.kernel, stored_width: width + (skippedColumn == nil ? 0 : 1),
      skipped_column: skippedColumn ?? -1)
  }

  /// One value of a row as read, `skippedColumn` left out.
  func value(_ row: Int32, _ position: Int) -> Double {
    let column = skippedColumn.map { position < $0 ? position : position + 1 } ?? position
    let at = base + (Int(row) * (width + (skippedColumn == nil ? 0 : 1)) + column) * element.size
    return switch element {
    case .uint8: Double(at.load(as: UInt8.self))
    case .float32: Double(at.load(as: Float.self))
    case .float64: at.load(as: Double.self)
    case .int32: Double(at.load(as: Int32.self))
    case .uint32: Double(at.load(as: UInt32.self))
    case .int64: Double(at.load(as: Int64.self))
    case .uint64: Double(at.load(as: UInt64.self))
    }
  }

  /// Copies rows as floats to `output`, standardized and bent where `scaling` is given.
  /// - Returns: The first position of `output` that is NaN or infinite, or −1.
  @discardableResult
  func gather(
    _ rows: UnsafePointer<Int32>, _ rowCount: Int, into output: UnsafeMutablePointer<Float>,
    scaling: InputScaling?, threads: Int = 1
  ) -> Int {
    var source = source
    guard let scaling else { return ek_gather(&source, rows, rowCount, nil, output, Int32(threads)) }
    let bad = scaling.withView(of: element) { ek_gather(&source, rows, rowCount, $0, output, Int32(threads)) }
    if bad < 0 { scaling.curves?.bend(output, rows: rowCount, width: width, threads: threads) }
    return bad
  }
}
