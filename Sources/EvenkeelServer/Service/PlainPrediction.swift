import Evenkeel

/// Predictions for people: rows as JSON or CSV, or an image, in; what is predicted, by name, out.
enum PlainPrediction {
  /// - Throws: `ServerFailure`; `EvenkeelError` with code `data`.
  static func answer(_ request: ServerRequest, by model: ServedModel, start: Int) async throws -> ServerResponse {
    let (rows, warnings) = try rows(of: request, model.inputs)
    return try await model.answer(rows, start: start) { values in
      let lines = model.outputs.people(values).joined(separator: ",\n")
      let warnings =
        warnings.isEmpty ? "" : ",\n\"warnings\":[\(warnings.map(JSONLine.quoted).joined(separator: ",\n"))]"
      return ServerResponse(json: "{\"predictions\":[\n\(lines)\n]\(warnings)}\n")
    }
  }

  private static func rows(
    of request: ServerRequest, _ inputs: ModelInputs
  ) throws -> (datasets: [Dataset], warnings: [String]) {
    guard !request.body.isEmpty else {
      throw ServerFailure(400, "The body is empty; expected JSON with \"rows\", a CSV file or an image.")
    }
    switch request.mediaType {
    case "application/json": return try rows(ofJSON: request.body, inputs)
    case "text/csv": return try inputs.datasets(csv: request.body)
    case let type? where type.hasPrefix("image/"): return (try inputs.datasets(images: [request.body]), [])
    // curl calls everything a form unless it is told otherwise.
    case nil, "application/x-www-form-urlencoded", "application/octet-stream", "text/plain":
      // Behind blanks and the mark of UTF-8.
      let first = request.body.first { ![32, 10, 13, 9, 0xef, 0xbb, 0xbf].contains($0) }
      if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") { return try rows(ofJSON: request.body, inputs) }
      if inputs.isTable { return try inputs.datasets(csv: request.body) }
      guard ImageFile.isOne(request.body) else {
        throw ServerFailure(
          415, "The body is neither JSON nor a PNG, JPEG or WebP image; rows of numbers come as JSON, [[0.5, …], …].")
      }
      return (try inputs.datasets(images: [request.body]), [])
    case let type?:
      throw ServerFailure(415, "\(type) is not read; expected application/json, text/csv or an image.")
    }
  }

  /// `{"rows": […]}`, or the array alone: an object or an array of numbers for each row.
  static func rows(
    ofJSON body: [UInt8], _ inputs: ModelInputs
  ) throws -> (datasets: [Dataset], warnings: [String]) {
    try body.withUnsafeBufferPointer { bytes in
      var reader = JSONReader(bytes)
      var found: (datasets: [Dataset], warnings: [String])?
      if reader.peek() == UInt8(ascii: "[") {
        found = try rows(&reader, inputs)
      } else {
        try reader.object { reader, key in
          guard key == "rows" else { throw ServerFailure(400, "\"\(key)\" is unknown; expected \"rows\".") }
          found = try rows(&reader, inputs)
        }
      }
      try reader.requireEnd()
      guard let found else { throw ServerFailure(400, "There are no \"rows\".") }
      return found
    }
  }

  private static func rows(
    _ reader: inout JSONReader, _ inputs: ModelInputs
  ) throws -> (datasets: [Dataset], warnings: [String]) {
    guard reader.peek() == UInt8(ascii: "[") else { throw reader.expected("an array of rows") }
    guard inputs.isTable else { return (try inputs.datasets(numbers: try numbers(&reader)), []) }
    var rows: [[String: JSONReader.Value]] = []
    try reader.array { reader in
      guard case .object(let row) = try reader.value() else {
        throw ServerFailure(400, "Row \(rows.count + 1) is no object with a member for each column.")
      }
      rows.append(row)
    }
    return try inputs.datasets(rows: rows)
  }

  /// The numbers of each row, or of one row that is not in an array of rows.
  private static func numbers(_ reader: inout JSONReader) throws -> [[Double]] {
    func row(_ reader: inout JSONReader) throws -> [Double] {
      guard case .numbers(let numbers) = try reader.elements() else {
        throw ServerFailure(400, "The rows hold texts; the model takes numbers.")
      }
      return numbers
    }
    guard reader.isNested else { return [try row(&reader)] }
    var rows: [[Double]] = []
    try reader.array { rows.append(try row(&$0)) }
    return rows
  }
}
