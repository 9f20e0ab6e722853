import Evenkeel

/// What a model gives, as tensors with the names that `evenkeel export` gives them.
package struct ModelOutputs: Sendable {
  private let output: OutputDescription?
  private let width: Int
  private let labels: [String]
  /// The classes as numbers, if all are whole ones.
  private let numbers: [Int64]?
  package let descriptions: [TensorDescription]

  package init(_ ensemble: ModelEnsemble) {
    output = ensemble.output
    width = ensemble.outputCount
    let labels = output?.classLabels ?? []
    self.labels = labels
    let numbers = labels.compactMap { label in Int64(label).flatMap { String($0) == label ? $0 : nil } }
    self.numbers = numbers.count == labels.count && !labels.isEmpty ? numbers : nil
    descriptions =
      labels.isEmpty
      ? [TensorDescription(output == nil ? "output" : "prediction", .float32, [-1, width])]
      : [
        TensorDescription("label", self.numbers == nil ? .bytes : .int64, [-1]),
        TensorDescription("probabilities", .float32, [-1, labels.count]),
      ]
  }

  /// - Throws: `ServerFailure` with status 400 for an output that the model does not have.
  func requireOutputs(_ wanted: [InferRequest.Output]) throws {
    for output in wanted {
      guard descriptions.contains(where: { $0.name == output.name }) else {
        let names = descriptions.map { "\"\($0.name)\"" }.alternatives
        throw ServerFailure(400, "The model has no output \"\(output.name)\"; expected \(names).")
      }
      if output.classes != nil, output.name == "label" {
        throw ServerFailure(400, "Output \"label\" has no values to be ordered by \"classification\".")
      }
    }
  }

  /// The outputs that `request` asks for, all if it names none.
  /// - Parameter values: `width` predictions a row.
  func tensors(_ values: [Double], for request: InferRequest) -> [InferResponse.Output] {
    let wanted = request.outputs.isEmpty ? descriptions.map { .init(name: $0.name) } : request.outputs
    let rows = values.count / width
    return values.withUnsafeBufferPointer { values in
      wanted.map { wanted in
        let isBinary = wanted.isBinary ?? request.isBinary
        if wanted.name == "label" {
          let choices = (0..<rows).map { choice(row($0, of: values)) }
          return InferResponse.Output(
            name: wanted.name, shape: [rows],
            values: numbers.map { numbers in .integers(choices.map { numbers[$0] }) }
              ?? .texts(choices.map { labels[$0] }),
            isBinary: isBinary)
        }
        let columns = labels.isEmpty ? width : labels.count
        let floats = (0..<rows).flatMap { columnValues(row($0, of: values)) }
        guard let classes = wanted.classes else {
          return InferResponse.Output(
            name: wanted.name, shape: [rows, columns], values: .floats(floats), isBinary: isBinary)
        }
        let count = min(classes, columns)
        return InferResponse.Output(
          name: wanted.name, shape: [rows, count],
          values: .texts((0..<rows).flatMap { greatest(count, of: floats[$0 * columns..<($0 + 1) * columns]) }),
          isBinary: isBinary)
      }
    }
  }

  private func row(_ row: Int, of values: UnsafeBufferPointer<Double>) -> UnsafeBufferPointer<Double> {
    UnsafeBufferPointer(rebasing: values[row * width..<(row + 1) * width])
  }

  private func choice(_ row: UnsafeBufferPointer<Double>) -> Int { output!.choice(of: row) }

  private func columnValues(_ row: UnsafeBufferPointer<Double>) -> [Float] {
    labels.isEmpty ? row.map { Float($0) } : labels.indices.map { Float(output!.probability(of: $0, in: row)) }
  }

  /// As Triton writes them: value, place and name, the most probable first.
  private func greatest(_ count: Int, of values: ArraySlice<Float>) -> [String] {
    values.enumerated().sorted { ($0.element, $1.offset) > ($1.element, $0.offset) }.prefix(count).map {
      "\($0.element):\($0.offset)" + (labels.isEmpty ? "" : ":" + labels[$0.offset])
    }
  }

  /// A line of JSON for each row, for people: what is predicted, and the probabilities of all classes by name.
  func people(_ values: [Double]) -> [String] {
    values.withUnsafeBufferPointer { values in
      (0..<values.count / width).map { index in
        let row = row(index, of: values)
        guard let output, !labels.isEmpty else {
          let members = row.enumerated().map { place, value in
            let name = self.output.map { $0.targetNames[place] } ?? "output\(place)"
            return "\(JSONLine.quoted(name)):\(self.output?.text(value, output: place) ?? "\(Float(value))")"
          }
          return "{\(members.joined(separator: ","))}"
        }
        let shares = labels.indices.map {
          "\(JSONLine.quoted(labels[$0])):\(Float(output.probability(of: $0, in: row)))"
        }
        return
          "{\"prediction\":\(JSONLine.quoted(labels[choice(row)])),\"probabilities\":{\(shares.joined(separator: ","))}}"
      }
    }
  }
}
