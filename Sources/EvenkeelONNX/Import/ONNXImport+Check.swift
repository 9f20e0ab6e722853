import Evenkeel

extension ONNXImport {
  /// How far the model's predictions are from what the other program computed.
  /// - Parameters:
  ///   - inputs: An NPY file of what goes into the graph.
  ///   - outputs: An NPY file of what comes out: probabilities or values, a row an example.
  /// - Returns: The largest difference, relative to the largest of the outputs.
  /// - Throws: `EvenkeelError` with code `data` for arrays that do not fit the model.
  package func difference(inputs: String, outputs: String) throws -> Double {
    let shape = model.network.input
    let given = try Self.array(inputs)
    let extents = (0..<shape.rank).map { axis in
      // Where the axis of the graph lies among the model's, which has features last.
      let place = inputAxes.firstIndex(of: axis + 1)!
      return shape.dimensions[place == 0 ? shape.rank - 1 : place - 1]
    }
    guard given.shape.dimensions.dropFirst().elementsEqual(extents) else {
      throw EvenkeelError.data(
        "\(inputs): it has the shape \(given.shape); expected [N, \(extents.map(String.init).joined(separator: ", "))]."
      )
    }
    let predicted = try model.predict(Tensor(featuresLast(given), shape: Shape([given.rowCount] + shape.dimensions)))
    let expected = try Self.array(outputs)
    // A classifier with one output for two classes gives the second's probability.
    let isPair = predicted.rowLength == 1 && expected.rowLength == 2 && model.output?.classLabels.count == 2
    let values = isPair ? predicted.values.flatMap { [1 - $0, $0] } : predicted.values
    guard expected.rowCount == given.rowCount, expected.values.count == values.count else {
      throw EvenkeelError.data(
        "\(outputs): it has the shape \(expected.shape); expected [\(predicted.rowCount), \(predicted.rowLength)].")
    }
    let largest = expected.values.reduce(Float.leastNormalMagnitude) { max($0, abs($1)) }
    return zip(values, expected.values).reduce(0) { max($0, Double(abs($1.0 - $1.1) / largest)) }
  }

  /// The values of examples as the graph takes them, in the order of the model's.
  private func featuresLast(_ given: Tensor) -> [Float] {
    let order = [0] + inputAxes.dropFirst() + [inputAxes[0]]
    return ONNXTensor("", given.shape.dimensions, floats: given.values).transposed(order).floats!
  }

  private static func array(_ path: String) throws -> Tensor {
    let bytes = try FileBytes(path)
    return try bytes.reading {
      guard let file = try NumpyFile(bytes) else {
        throw EvenkeelError.data("\(path): expected an NPY file.")
      }
      let dataset: Dataset
      do { dataset = try file.examples(encoding: nil, targets: false) } catch let error as EvenkeelError {
        throw error.at(path)
      }
      let values = AlignedFloats(count: dataset.count * dataset.shape.count)
      try dataset.gather(0, dataset.count, into: values.start, scaling: nil, threads: 1)
      let copy = Array(UnsafeBufferPointer(start: values.start, count: dataset.count * dataset.shape.count))
      return Tensor(copy, shape: Shape([dataset.count] + dataset.shape.dimensions))
    }
  }
}
