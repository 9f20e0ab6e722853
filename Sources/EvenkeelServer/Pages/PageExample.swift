import Evenkeel

extension Model {
  /// The example in the body of a request: little-endian floats (`application/octet-stream`), or one row as `/predict` takes them.
  /// - Throws: `ServerFailure`; `EvenkeelError` with code `data`. Both say what was expected and what it got.
  func example(in request: ServerRequest) throws -> Dataset {
    let count = network.input.count
    guard request.mediaType == "application/octet-stream" else {
      let inputs = ModelInputs(try ModelEnsemble([self]))
      let rows = try PlainPrediction.rows(ofJSON: request.body, inputs).datasets[0]
      guard rows.count == 1 else { throw ServerFailure(400, "The body has \(rows.count) rows; expected one.") }
      return rows
    }
    guard request.body.count == 4 * count else {
      throw ServerFailure(
        400,
        "The body has \(request.body.count) bytes; expected \(4 * count), for \(count) little-endian float32 values (\(network.input))."
      )
    }
    let values = request.body.withUnsafeBytes { bytes in
      (0..<count).map {
        Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
      }
    }
    return try Dataset(values, shape: network.input)
  }
}
