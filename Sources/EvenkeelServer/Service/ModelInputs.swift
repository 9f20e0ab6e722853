import Evenkeel

/// What a model takes, as tensors: of a table one for each column, of other data one for all.
package struct ModelInputs: Sendable {
  private enum Kind: Sendable {
    /// Columns of a table, and whether each holds numbers.
    case columns([TableEncoding], names: [String], areNumbers: [Bool])
    /// Values of one shape.
    case values(Shape)
  }

  private let kind: Kind
  private let members: Int
  /// What images become.
  private let images: ImageInput?
  package let descriptions: [TensorDescription]

  package init(_ ensemble: ModelEnsemble) {
    let model = ensemble.members[0]
    members = ensemble.members.count
    images = model.images
    let encodings = ensemble.members.compactMap(\.encoding)
    if let encoding = encodings.first, encoding.hasNamedColumns {
      let names = encoding.columns.enumerated().map { $1.name.isEmpty ? "column_\($0 + 1)" : $1.name }
      let areNumbers = encoding.columns.map { if case .numeric = $0.kind { true } else { false } }
      kind = .columns(encodings, names: names, areNumbers: areNumbers)
      descriptions = zip(names, areNumbers).map { name, isNumber in
        TensorDescription(name, isNumber ? encoding.isInDouble ? .float64 : .float32 : .bytes, [-1, 1])
      }
    } else {
      let shape = model.network.input
      kind = .values(shape)
      let name = encodings.isEmpty ? "input" : "features"
      descriptions = [TensorDescription(name, .float32, [-1] + shape.dimensions)]
    }
  }

  /// Whether rows have cells of named columns.
  var isTable: Bool { if case .columns = kind { true } else { false } }

  /// The rows of a request, as each member takes them.
  /// - Throws: `ServerFailure` with status 400 that names the input; `EvenkeelError` with code `data`.
  func datasets(_ tensors: [InferTensor]) throws -> [Dataset] {
    switch kind {
    case .columns(let encodings, let names, let areNumbers):
      return try table(tensors, encodings, names, areNumbers)
    case .values(let shape):
      guard tensors.count == 1, tensors[0].name == descriptions[0].name else {
        throw unknown(tensors, expected: [descriptions[0].name])
      }
      return Array(repeating: try values(tensors[0], shape), count: members)
    }
  }

  private func unknown(_ tensors: [InferTensor], expected names: [String]) -> ServerFailure {
    let got = tensors.map { "\"\($0.name)\"" }.joined(separator: ", ")
    let wanted = names.prefix(50).map { "\"\($0)\"" }.joined(separator: ", ")
    return ServerFailure(400, "The model takes the inputs \(wanted), each once; got \(got).")
  }

  // ---- tables ---------------------------------------------------------------------------------------------------------

  private func table(
    _ tensors: [InferTensor], _ encodings: [TableEncoding], _ names: [String], _ areNumbers: [Bool]
  ) throws -> [Dataset] {
    let byName = Dictionary(tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let columns = names.compactMap { byName[$0] }
    guard columns.count == names.count, tensors.count == names.count else { throw unknown(tensors, expected: names) }
    let count = columns[0].count
    let cells = try zip(columns, areNumbers).map { tensor, isNumber in
      guard tensor.shape == [count] || tensor.shape == [count, 1] else {
        throw ServerFailure(
          400, "Input \"\(tensor.name)\" has the shape \(tensor.shape); expected [\(count), 1], as all columns have.")
      }
      return try Self.cells(of: tensor, areNumbers: isNumber)
    }
    var table = MadeTable("The request", columns: encodings[0].columns.map(\.name))
    for row in 0..<count { table.append(cells.lazy.map { $0[row] }) }
    return try table.examples(by: encodings).datasets
  }

  private static func cells(of tensor: InferTensor, areNumbers: Bool) throws -> [MadeTable.Cell] {
    switch tensor.content {
    case .numbers(let numbers):
      if !areNumbers, let large = numbers.first(where: { abs($0) >= 0x1p53 }) {
        throw ServerFailure(
          400, "Input \"\(tensor.name)\" holds \(large), which is rounded; send names of categories as BYTES.")
      }
      return numbers.map { .value(tensor.datatype.rounded($0)) }
    case .texts(let texts): return texts.map { .text($0) }
    case .files(let files):
      return try files.map { bytes in
        guard let text = String(validating: bytes, as: UTF8.self) else {
          throw ServerFailure(400, "Input \"\(tensor.name)\" holds a text that is not UTF-8.")
        }
        return .text(text)
      }
    }
  }

  /// The rows of `/predict`: objects with a member for each column, of which those that are left out are missing.
  /// - Throws: `ServerFailure` with status 400; `EvenkeelError` with code `data`.
  func datasets(rows: [[String: JSONReader.Value]]) throws -> (datasets: [Dataset], warnings: [String]) {
    guard case .columns(let encodings, _, _) = kind else {
      throw ServerFailure(400, "The model takes rows of numbers, not of named columns.")
    }
    let names = encodings[0].columns.map(\.name)
    let known = Set(names)
    var unknown: [String: Int] = [:]
    var table = MadeTable("The request", columns: names)
    for (index, row) in rows.enumerated() {
      guard row.keys.contains(where: known.contains) else {
        let wanted = names.prefix(50).joined(separator: ", ")
        throw ServerFailure(400, "Row \(index + 1) has none of the columns \(wanted).")
      }
      for key in row.keys where !known.contains(key) && unknown[key] == nil { unknown[key] = index + 1 }
      table.append(
        try names.map { name in
          switch row[name] {
          case nil, .null: return .missing
          case .number(_, let text): return .number(text)
          case .text(let text): return .text(text)
          case .flag(let flag): return .text("\(flag)")
          default: throw ServerFailure(400, "Row \(index + 1), column \(name): expected a number or a text.")
          }
        })
    }
    let (datasets, warnings) = try table.examples(by: encodings)
    let columns = unknown.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.prefix(20)
    return (datasets, columns.map { "Row \($0.value): the model has no column \"\($0.key)\"." } + warnings)
  }

  /// The rows of a CSV file, whose first line names the columns.
  /// - Throws: As above.
  func datasets(csv bytes: [UInt8]) throws -> (datasets: [Dataset], warnings: [String]) {
    guard case .columns(let encodings, _, _) = kind else {
      throw ServerFailure(415, "The model takes rows of numbers or images, not a CSV file of named columns.")
    }
    let file = try FileBytes(bytes, name: "The request")
    var warnings: [String] = []
    let datasets = try encodings.map { encoding in
      var own: [String] = []
      defer { if warnings.isEmpty { warnings = own } }
      return try Dataset.csv(file, encoding: encoding, targets: false, weights: false, warnings: &own)
    }
    return (datasets, warnings)
  }

  // ---- values and images ----------------------------------------------------------------------------------------------

  private func values(_ tensor: InferTensor, _ shape: Shape) throws -> Dataset {
    switch tensor.content {
    case .files(let files): return try image(files)
    case .texts(let texts):
      return try image(
        try texts.map { text in
          guard let file = Base64.decoded(text) else {
            throw ServerFailure(400, "Input \"\(tensor.name)\" holds a text that is no Base64; expected image files.")
          }
          return file
        })
    case .numbers(var numbers):
      guard let rows = tensor.shape.first, rows > 0 else {
        throw ServerFailure(400, "Input \"\(tensor.name)\" has no rows.")
      }
      switch try ImageOrder(tensor.shape, for: shape, input: tensor.name) {
      case .featuresLast: break
      case .featuresFirst: numbers = ImageOrder.withFeaturesLast(numbers, rows: rows, shape)
      }
      return try dataset(numbers, tensor.datatype, shape)
    }
  }

  /// Rows of numbers in the network's own order.
  func dataset(_ numbers: [Double], _ datatype: Datatype, _ shape: Shape) throws -> Dataset {
    let isDouble = [.float64, .int32, .uint32, .int64, .uint64].contains(datatype)
    if let place = numbers.firstIndex(where: { isDouble ? !$0.isFinite : !Float($0).isFinite }) {
      let (value, row) = (numbers[place], place / shape.count + 1)
      let got = value.isNaN ? "no number" : "\(value), which is out of range"
      throw ServerFailure(400, "Row \(row) holds \(got) (value \(place % shape.count + 1) of \(shape.count)).")
    }
    return isDouble
      ? try Dataset(doubles: numbers, shape: shape) : try Dataset(numbers.map { Float($0) }, shape: shape)
  }

  /// The rows of `/predict`: each an array, nested as the shape or flat; or the numbers of one row.
  func datasets(numbers rows: [[Double]]) throws -> [Dataset] {
    guard case .values(let shape) = kind else {
      throw ServerFailure(400, "The model takes rows of named columns; expected an object for each row.")
    }
    let all = rows.flatMap(\.self)
    // What seem to be rows may be those of one image or sequence.
    if shape.rank == 1 || all.count != shape.count,
      let row = rows.firstIndex(where: { $0.count != shape.count })
    {
      throw ServerFailure(400, "Row \(row + 1) has \(rows[row].count) numbers; expected \(shape.count) (\(shape)).")
    }
    return Array(repeating: try dataset(all, .float32, shape), count: members)
  }

  /// Images of files.
  func datasets(images files: [[UInt8]]) throws -> [Dataset] { Array(repeating: try image(files), count: members) }

  private func image(_ files: [[UInt8]]) throws -> Dataset {
    guard case .values(let shape) = kind, !files.isEmpty else {
      throw ServerFailure(415, "The model takes no images.")
    }
    var values: [Float] = []
    for (index, bytes) in files.enumerated() {
      values += try pixels(of: bytes, name: "Image \(index + 1)", shape)
    }
    return try Dataset(values, shape: shape)
  }

  private func pixels(of bytes: [UInt8], name: String, _ shape: Shape) throws -> [Float] {
    let file = try FileBytes(bytes, name: name)
    let own = try ImageFile.shape(of: file).dimensions
    let channels = own[0] * own[1] * 3 == shape.count ? 3 : 1
    guard
      let input = images
        ?? (own[0] * own[1] * channels == shape.count
          ? ImageInput(width: own[1], height: own[0], channels: channels, resizing: .fit) : nil)
    else {
      throw ServerFailure(400, "\(name): expected \(shape.count) values (\(shape)), got \(own[1]) × \(own[0]) pixels.")
    }
    return try [UInt8](unsafeUninitializedCapacity: shape.count) { buffer, count in
      try ImageFile.decode(file, as: input, into: buffer.baseAddress!)
      count = shape.count
    }.map { Float($0) }
  }
}
