#if Interchange
  import Evenkeel
  internal import FoundationEssentials
  import Glibc
  internal import SwiftProtobuf

  extension ONNXFile {
    /// Reads a model with its constants, those in files beside it included.
    /// - Throws: `EvenkeelError`: `noInput` if there is no such file, `data` that names what is damaged or not known.
    static func read(_ path: String) throws -> ONNXModel {
      let file = try FileBytes(path)
      return try file.reading { try read(file.bytes, name: path, folder: path.parentFolder) }
    }

    /// - Parameters:
    ///   - name: The file's name in errors.
    ///   - folder: Where files that it refers to lie.
    static func read(_ bytes: UnsafeRawBufferPointer, name: String, folder: String) throws -> ONNXModel {
      guard bytes.count <= greatestSize else {
        throw EvenkeelError.data("\(name): it has \(bytes.count) bytes; an ONNX file has at most 2 GiB.")
      }
      // The message, and its constants as numbers.
      try Machine.requireMemory(3 * bytes.count, for: "\(name), read,")
      let data = bytes.baseAddress.map {
        Data(bytesNoCopy: UnsafeMutableRawPointer(mutating: $0), count: bytes.count, deallocator: .none)
      }
      guard let message = try? ProtoModel(serializedBytes: data ?? Data()), message.hasGraph,
        !message.opsetImport.isEmpty
      else { throw EvenkeelError.data("\(name): it is not an ONNX file.") }
      do { return try ONNXModel(message, folder: folder) } catch let error as EvenkeelError { throw error.at(name) }
    }
  }

  extension ONNXModel {
    fileprivate init(_ message: ProtoModel, folder: String) throws {
      (irVersion, producer, producerVersion) = (Int(message.irVersion), message.producerName, message.producerVersion)
      summary = message.docString
      opsets = message.opsetImport.map { ($0.domain, Int($0.version)) }
      metadata = message.metadataProps.map { ($0.key, $0.value) }
      guard message.functions.isEmpty else {
        throw EvenkeelError.data(
          "it has functions (\(message.functions[0].name)), which are not read; inline them first.")
      }
      guard message.graph.sparseInitializer.isEmpty else { throw EvenkeelError.data("it has sparse constants.") }
      graph.constants = try message.graph.initializer.map { try ONNXTensor($0, folder: folder) }
      graph.inputs = try message.graph.input.map { try ONNXValue($0) }
      // What kind of element an output has, the nodes say.
      graph.outputs = message.graph.output.map { ONNXValue(name: $0.name, element: .float, dimensions: nil) }
      graph.nodes = try message.graph.node.map { try ONNXNode($0, folder: folder) }
    }
  }

  extension ONNXValue {
    fileprivate init(_ value: ProtoValue) throws {
      let array = value.type.tensorType
      guard case .tensorType = value.type.value, let element = ONNXElement(rawValue: Int(array.elemType)) else {
        throw EvenkeelError.data("the input \"\(value.name)\" is no array of numbers or texts.")
      }
      let dimensions = array.shape.dim.map { dimension -> Int? in
        if case .dimValue(let extent) = dimension.value, extent > 0 { Int(extent) } else { nil }
      }
      self.init(name: value.name, element: element, dimensions: array.hasShape ? dimensions : nil)
    }
  }

  extension ONNXNode {
    fileprivate init(_ node: ProtoNode, folder: String) throws {
      self.init(
        kind: node.opType, domain: node.domain == "ai.onnx" ? "" : node.domain, name: node.name, inputs: node.input,
        outputs: node.output)
      for attribute in node.attribute {
        attributes[attribute.name] = try ONNXAttribute(attribute, folder: folder)
      }
    }
  }

  extension ONNXAttribute {
    fileprivate init(_ attribute: ProtoAttribute, folder: String) throws {
      switch attribute.type {
      case .float: self = .float(attribute.f)
      case .int: self = .integer(Int(attribute.i))
      case .string: self = .text(String(decoding: attribute.s, as: UTF8.self))
      case .tensor: self = .tensor(try ONNXTensor(attribute.t, folder: folder))
      case .floats: self = .floats(attribute.floats)
      case .ints: self = .integers(attribute.ints.map { Int($0) })
      case .strings: self = .texts(attribute.strings.map { String(decoding: $0, as: UTF8.self) })
      case .graph, .undefined, .UNRECOGNIZED: self = .other
      }
    }
  }

  extension ONNXTensor {
    /// Sizes are checked against what is there before memory is taken for the numbers.
    fileprivate init(_ tensor: ProtoTensor, folder: String) throws {
      let what = "the constant \"\(tensor.name)\""
      guard let element = ONNXElement(rawValue: Int(tensor.dataType)) else {
        throw EvenkeelError.data("\(what) has elements of kind \(tensor.dataType), which is not known.")
      }
      let dimensions = tensor.dims.map { Int($0) }
      guard let count = Shape.checkedCount(dimensions) else {
        throw EvenkeelError.data("\(what) has the shape \(Shape(dimensions)), which is out of range.")
      }
      func require(_ found: Int) throws {
        guard found == count else {
          throw EvenkeelError.data(
            "\(what) of the shape \(Shape(dimensions)) holds \(found) values; expected \(count).")
        }
      }
      let content: Content
      if element == .string {
        try require(tensor.stringData.count)
        content = .texts(tensor.stringData.map { String(decoding: $0, as: UTF8.self) })
      } else if tensor.dataLocation == .external {
        let file = try ExternalData(tensor, what, folder: folder)
        content = try file.reading { bytes in
          try require(bytes.count / element.size)
          return element.content(of: bytes, count: count)
        }
      } else if tensor.hasRawData {
        guard tensor.rawData.count % element.size == 0 else {
          throw EvenkeelError.data("\(what) has \(tensor.rawData.count) bytes, no whole number of values.")
        }
        try require(tensor.rawData.count / element.size)
        content = tensor.rawData.withUnsafeBytes { element.content(of: $0, count: count) }
      } else {
        switch element {
        case .float:
          try require(tensor.floatData.count)
          content = .floats(tensor.floatData)
        case .double:
          try require(tensor.doubleData.count)
          content = .doubles(tensor.doubleData)
        case .float16:
          try require(tensor.int32Data.count)
          content = .floats(tensor.int32Data.map { Float(Float16(bitPattern: UInt16(truncatingIfNeeded: $0))) })
        case .int64:
          try require(tensor.int64Data.count)
          content = .integers(tensor.int64Data.map { Int($0) })
        case .uint32, .uint64:
          try require(tensor.uint64Data.count)
          content = .integers(tensor.uint64Data.map { Int(truncatingIfNeeded: $0) })
        case .uint8, .int8, .uint16, .int16, .int32, .bool, .string:
          try require(tensor.int32Data.count)
          content = .integers(tensor.int32Data.map { Int($0) })
        }
      }
      self.init(tensor.name, dimensions, element, content)
    }
  }

  extension ONNXElement {
    /// Bytes of one value.
    fileprivate var size: Int {
      switch self {
      case .uint8, .int8, .bool: 1
      case .uint16, .int16, .float16: 2
      case .float, .int32, .uint32: 4
      case .double, .int64, .uint64: 8
      case .string: 1
      }
    }

    /// `count` little-endian values.
    fileprivate func content(of bytes: UnsafeRawBufferPointer, count: Int) -> ONNXTensor.Content {
      func integers<Number: FixedWidthInteger>(_: Number.Type) -> ONNXTensor.Content {
        .integers(
          (0..<count).map { Int(truncatingIfNeeded: bytes.loadUnaligned(fromByteOffset: $0 * size, as: Number.self)) })
      }
      switch self {
      case .float: return .floats((0..<count).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) })
      case .double: return .doubles((0..<count).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) })
      case .float16:
        return .floats((0..<count).map { Float(bytes.loadUnaligned(fromByteOffset: 2 * $0, as: Float16.self)) })
      case .uint8, .bool: return integers(UInt8.self)
      case .int8: return integers(Int8.self)
      case .uint16: return integers(UInt16.self)
      case .int16: return integers(Int16.self)
      case .int32: return integers(Int32.self)
      case .uint32: return integers(UInt32.self)
      case .int64: return integers(Int64.self)
      case .uint64: return integers(UInt64.self)
      case .string: preconditionFailure("texts are no bytes in a row")
      }
    }
  }

  /// A part of a file beside the model.
  private struct ExternalData {
    private let file: FileBytes
    private let range: Range<Int>

    /// - Throws: `EvenkeelError` with code `data` for a file outside the model's folder or a part outside the file.
    init(_ tensor: ProtoTensor, _ what: String, folder: String) throws {
      let entries = Dictionary(tensor.externalData.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
      let location = entries["location"] ?? ""
      let root = AtomicFile.place(folder)
      let place = AtomicFile.place("\(folder)/\(location)")
      var status = stat()
      guard !location.isEmpty, !location.hasPrefix("/"), !location.contains("\0"),
        !location.split(separator: "/").contains(".."), place.hasPrefix(root == "/" ? "/" : root + "/")
      else { throw EvenkeelError.data("\(what) lies in \"\(location)\"; expected a file in the model's folder.") }
      guard stat(place, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        throw EvenkeelError.data("\(what) lies in \"\(location)\", which is missing beside the model or is no file.")
      }
      file = try FileBytes(place)
      let offset = entries["offset"].map { Int($0) ?? -1 } ?? 0
      let length = entries["length"].map { Int($0) ?? -1 } ?? file.bytes.count - offset
      guard offset >= 0, length >= 0, offset <= file.bytes.count, length <= file.bytes.count - offset else {
        throw EvenkeelError.data("\(what) reaches beyond the end of \"\(location)\".")
      }
      range = offset..<offset + length
    }

    func reading<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
      try file.reading { try body(UnsafeRawBufferPointer(rebasing: file.bytes[range])) }
    }
  }

  extension String {
    /// The folder of the file at this path.
    fileprivate var parentFolder: String {
      guard let slash = lastIndex(of: "/") else { return "." }
      return slash == startIndex ? "/" : String(self[..<slash])
    }
  }
#endif
