import Evenkeel

/// A request of the Open Inference Protocol, version 2, with its extension for binary tensors.
package struct InferRequest: Sendable {
  package private(set) var id: String?
  package private(set) var inputs: [InferTensor] = []
  /// What is wanted; empty for all outputs.
  package private(set) var outputs: [Output] = []
  /// Whether outputs that do not say otherwise are sent as bytes.
  package private(set) var isBinary = false
  /// Nanoseconds after which nobody waits for the answer.
  package private(set) var timeout: Int?

  package struct Output: Hashable, Sendable {
    package let name: String
    package var isBinary: Bool?
    /// The number of most probable classes that are wanted as texts in place of the values.
    package var classes: Int?
  }

  /// - Parameters:
  ///   - body: JSON; then the bytes of binary tensors, in the order of the inputs.
  ///   - jsonCount: Bytes of JSON; nil for all.
  /// - Throws: `ServerFailure` with status 400.
  package init(_ body: [UInt8], jsonCount: Int?) throws {
    let jsonCount = jsonCount ?? body.count
    guard (0...body.count).contains(jsonCount) else {
      throw ServerFailure(
        400, "Inference-Header-Content-Length is \(jsonCount); expected 0 to \(body.count), the length of the body.")
    }
    guard jsonCount > 0 else { throw ServerFailure(400, "The body is empty; expected a JSON object with \"inputs\".") }
    self = try body.withUnsafeBufferPointer { bytes in
      var reader = JSONReader(UnsafeBufferPointer(rebasing: bytes[..<jsonCount]))
      return try InferRequest(
        &reader, binary: UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[jsonCount...])))
    }
  }

  private init(_ reader: inout JSONReader, binary: UnsafeRawBufferPointer) throws {
    var (inputs, parameters): ([InputDescription]?, [String: JSONReader.Value]) = (nil, [:])
    var (id, outputs): (String?, [Output]) = (nil, [])
    guard reader.peek() == UInt8(ascii: "{") else { throw reader.expected("an object") }
    try reader.object { reader, key in
      switch key {
      case "id":
        guard case .text(let text) = try reader.value() else { throw ServerFailure(400, "\"id\" is no text.") }
        id = text
      case "parameters": parameters = try reader.members(of: key)
      case "inputs":
        var found: [InputDescription] = []
        try reader.array { found.append(try InputDescription(&$0)) }
        inputs = found
      case "outputs": try reader.array { outputs.append(try Output(&$0)) }
      default: _ = try reader.value()
      }
    }
    try reader.requireEnd()
    guard let inputs, !inputs.isEmpty else { throw ServerFailure(400, "There are no \"inputs\".") }
    (self.id, self.outputs) = (id, outputs)
    isBinary = try parameters.flag("binary_data_output") ?? false
    timeout = try parameters.count("timeout").map { $0.multipliedReportingOverflow(by: 1000) }.flatMap { $1 ? nil : $0 }
    var position = 0
    self.inputs = try inputs.map { try $0.tensor(binary, &position) }
    guard position == binary.count else {
      throw ServerFailure(
        400, "\(binary.count - position) bytes follow those of the inputs; expected none.")
    }
  }
}

/// An input before its bytes are looked at.
private struct InputDescription {
  var name: String?
  var datatype: Datatype?
  var shape: [Int]?
  var content: InferTensor.Content?
  var binaryCount: Int?

  init(_ reader: inout JSONReader) throws {
    guard reader.peek() == UInt8(ascii: "{") else { throw reader.expected("an object, one for each input") }
    var parameters: [String: JSONReader.Value] = [:]
    try reader.object { reader, key in
      switch key {
      case "name":
        guard case .text(let text) = try reader.value() else {
          throw ServerFailure(400, "An input's \"name\" is no text.")
        }
        name = text
      case "datatype":
        guard case .text(let text) = try reader.value(), let type = Datatype(rawValue: text) else {
          throw ServerFailure(
            400,
            "An input's \"datatype\" is unknown; expected one of \(Datatype.allCases.map(\.rawValue).alternatives).")
        }
        datatype = type
      case "shape": shape = try reader.shape()
      case "data": content = try reader.elements()
      case "parameters": parameters = try reader.members(of: key)
      default: _ = try reader.value()
      }
    }
    binaryCount = try parameters.count("binary_data_size")
  }

  func tensor(_ binary: UnsafeRawBufferPointer, _ position: inout Int) throws -> InferTensor {
    guard let name else { throw ServerFailure(400, "An input has no \"name\".") }
    guard let datatype else { throw ServerFailure(400, "Input \"\(name)\" has no \"datatype\".") }
    guard let shape else { throw ServerFailure(400, "Input \"\(name)\" has no \"shape\".") }
    guard let count = Shape.checkedCount(shape) else {
      throw ServerFailure(400, "Input \"\(name)\": the shape \(shape) is none.")
    }
    let content: InferTensor.Content
    switch (self.content, binaryCount) {
    case (let found?, nil): content = found
    case (nil, let size?):
      guard size <= binary.count - position else {
        throw ServerFailure(
          400,
          "Input \"\(name)\": \"binary_data_size\" is \(size), and \(binary.count - position) bytes are left in the body."
        )
      }
      let bytes = UnsafeRawBufferPointer(rebasing: binary[position..<position + size])
      position += size
      content = try Self.content(of: bytes, datatype, count: count, name)
    case (_?, _?): throw ServerFailure(400, "Input \"\(name)\" has both \"data\" and \"binary_data_size\".")
    case (nil, nil): throw ServerFailure(400, "Input \"\(name)\" has no \"data\".")
    }
    guard content.count == count else {
      throw ServerFailure(
        400, "Input \"\(name)\" has \(content.count) elements; its shape \(shape) asks for \(count).")
    }
    switch content {
    case .numbers where datatype == .bytes && count > 0:
      throw ServerFailure(400, "Input \"\(name)\" of datatype BYTES holds numbers; expected texts.")
    case .texts where datatype != .bytes:
      throw ServerFailure(400, "Input \"\(name)\" of datatype \(datatype.rawValue) holds texts; expected numbers.")
    case .numbers(let numbers):
      if let wrong = datatype.firstNotHeld(numbers) {
        throw ServerFailure(
          400, "Input \"\(name)\" holds \(wrong), which is no \(datatype.rawValue).")
      }
    default: break
    }
    return InferTensor(name: name, datatype: datatype, shape: shape, content: content)
  }

  private static func content(
    of bytes: UnsafeRawBufferPointer, _ datatype: Datatype, count: Int, _ name: String
  ) throws -> InferTensor.Content {
    if let size = datatype.size {
      guard bytes.count % size == 0, bytes.count / size == count else {
        throw ServerFailure(
          400,
          "Input \"\(name)\": \"binary_data_size\" is \(bytes.count); expected \(count) elements of \(size) bytes.")
      }
      return .numbers(datatype.numbers(bytes))
    }
    var (files, position): ([[UInt8]], Int) = ([], 0)
    while position < bytes.count {
      guard bytes.count - position >= 4 else { break }
      let length = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self)))
      guard length <= bytes.count - position - 4 else { break }
      files.append(Array(bytes[position + 4..<position + 4 + length]))
      position += 4 + length
    }
    guard position == bytes.count else {
      throw ServerFailure(400, "Input \"\(name)\": the length of element \(files.count) exceeds what is left.")
    }
    return .files(files)
  }
}

extension InferRequest.Output {
  fileprivate init(_ reader: inout JSONReader) throws {
    guard reader.peek() == UInt8(ascii: "{") else { throw reader.expected("an object, one for each output") }
    let members = try reader.members(of: "outputs")
    guard case .text(let name) = members["name"] else { throw ServerFailure(400, "An output has no \"name\".") }
    var parameters: [String: JSONReader.Value] = [:]
    if case .object(let given) = members["parameters"] { parameters = given }
    self.init(
      name: name, isBinary: try parameters.flag("binary_data"), classes: try parameters.count("classification"))
    if parameters["shared_memory_region"] != nil {
      throw ServerFailure(400, "Output \"\(name)\": there is no shared memory.")
    }
  }
}

extension JSONReader {
  fileprivate mutating func members(of key: String) throws -> [String: Value] {
    guard case .object(let members) = try value() else { throw ServerFailure(400, "\"\(key)\" is no object.") }
    return members
  }

  fileprivate mutating func shape() throws -> [Int] {
    var shape: [Int] = []
    guard peek() == UInt8(ascii: "[") else { throw expected("an array, the shape") }
    try array { reader in
      guard let extent = Int(exactly: try reader.number()), extent >= 0 else {
        throw ServerFailure(400, "A \"shape\" has an extent that is no whole number of 0 or more.")
      }
      shape.append(extent)
    }
    return shape
  }
}

extension [String: JSONReader.Value] {
  fileprivate func flag(_ key: String) throws -> Bool? {
    switch self[key] {
    case nil, .null: return nil
    case .flag(let flag): return flag
    default: throw ServerFailure(400, "\"\(key)\" is neither true nor false.")
    }
  }

  /// A whole number of 0 or more.
  fileprivate func count(_ key: String) throws -> Int? {
    switch self[key] {
    case nil, .null: return nil
    case .number(let number, _):
      if let count = Int(exactly: number), count >= 0 { return count }
      fallthrough
    default: throw ServerFailure(400, "\"\(key)\" is no whole number of 0 or more.")
    }
  }
}
