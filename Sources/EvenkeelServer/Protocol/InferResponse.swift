import Evenkeel

/// An answer of the Open Inference Protocol.
package struct InferResponse {
  /// The values of an output, row after row.
  package enum Values {
    case floats([Float])
    case integers([Int64])
    case texts([String])
  }

  package struct Output {
    package let name: String
    package let shape: [Int]
    package let values: Values
    package let isBinary: Bool

    package init(name: String, shape: [Int], values: Values, isBinary: Bool) {
      (self.name, self.shape, self.values, self.isBinary) = (name, shape, values, isBinary)
    }

    fileprivate var datatype: Datatype {
      switch values {
      case .floats: .float32
      case .integers: .int64
      case .texts: .bytes
      }
    }
  }

  private let head: String
  private let outputs: [Output]

  package init(model: String, version: String, id: String?, outputs: [Output]) {
    let id = id.map { ",\"id\":\(JSONLine.quoted($0))" } ?? ""
    head = "{\"model_name\":\(JSONLine.quoted(model)),\"model_version\":\"\(version)\"\(id),\"outputs\":["
    self.outputs = outputs
  }

  /// JSON, and the bytes of binary outputs behind it.
  package var response: ServerResponse {
    var (json, binary) = (Array(head.utf8), [UInt8]())
    for (index, output) in outputs.enumerated() {
      if index > 0 { json.append(UInt8(ascii: ",")) }
      let shape = output.shape.map(String.init).joined(separator: ",")
      json += "{\"name\":\(JSONLine.quoted(output.name)),\"shape\":[\(shape)],\"datatype\":\"".utf8
      json += output.datatype.rawValue.utf8
      if output.isBinary {
        let start = binary.count
        output.values.append(to: &binary)
        json += "\",\"parameters\":{\"binary_data_size\":\(binary.count - start)}}".utf8
      } else {
        json += "\",\"data\":[".utf8
        output.values.appendJSON(to: &json)
        json += "]}".utf8
      }
    }
    json += "]}".utf8
    guard outputs.contains(where: \.isBinary) else { return ServerResponse(json: json) }
    return ServerResponse(
      status: 200,
      headers: [("Content-Type", "application/octet-stream"), ("Inference-Header-Content-Length", "\(json.count)")],
      body: .bytes(json + binary))
  }
}

extension InferResponse.Values {
  fileprivate func appendJSON(to json: inout [UInt8]) {
    func append<Element>(_ elements: [Element], _ text: (Element) -> String) {
      for (index, element) in elements.enumerated() {
        if index > 0 { json.append(UInt8(ascii: ",")) }
        json += text(element).utf8
      }
    }
    switch self {
    // With as many digits as tell a number from its neighbors.
    case .floats(let floats): append(floats) { $0.isFinite ? $0.description : "null" }
    case .integers(let integers): append(integers) { "\($0)" }
    case .texts(let texts): append(texts) { JSONLine.quoted($0) }
    }
  }

  fileprivate func append(to binary: inout [UInt8]) {
    func append(_ number: some FixedWidthInteger) {
      withUnsafeBytes(of: number.littleEndian) { binary += $0 }
    }
    switch self {
    case .floats(let floats): for value in floats { append(value.bitPattern) }
    case .integers(let integers): for value in integers { append(value) }
    case .texts(let texts):
      for text in texts {
        append(UInt32(text.utf8.count))
        binary += text.utf8
      }
    }
  }
}
