import Evenkeel

/// One version of a model that answers requests.
package final class ServedModel: Sendable {
  package let name: String
  /// Counts how often the file was read.
  package let version: String
  package let inputs: ModelInputs
  package let outputs: ModelOutputs
  package let metrics = ModelMetrics()
  /// nil for a model without a norm that keeps running statistics.
  package let shift: InputShift?
  package let batcher: Batcher
  package let ensemble: ModelEnsemble

  /// One row in so many is watched on its way into the first norm.
  private static let watchedRows = 100
  /// Multiply-adds that take less time than waking a thread and being woken by it.
  private static let smallPrediction = 500_000

  /// - Throws: `EvenkeelError` if there is not enough memory, or no thread.
  package init(_ ensemble: ModelEnsemble, name: String, version: Int, options: BatcherOptions) throws {
    (self.name, self.version, self.ensemble) = (name, "\(version)", ensemble)
    inputs = ModelInputs(ensemble)
    outputs = ModelOutputs(ensemble)
    let shift = InputShift(ensemble.members[0])
    self.shift = shift
    let first = try ensemble.members.map {
      try Dataset([Float](repeating: 0, count: $0.network.input.count), shape: $0.network.input)
    }
    let multiplyAdds = ensemble.members.reduce(1) { $0 + $1.multiplyAdds }
    batcher = try Batcher(
      width: ensemble.outputCount, ownRows: Self.smallPrediction / multiplyAdds, options: options, metrics: metrics
    ) {
      let predictor = try RowPredictor(ensemble)
      // Weights are brought into their order, and memory is touched, before the first request comes.
      var ignored = [Double](repeating: 0, count: predictor.width)
      ignored.withUnsafeMutableBufferPointer {
        predictor.predict([RowPredictor.Row(first, 0, into: $0.baseAddress!)][...]) { _, _ in }
      }
      var (rows, nextWatched) = (0, 0)
      return { group, failed in
        let isWatched = rows >= nextWatched
        if isWatched { nextWatched = rows + Self.watchedRows * group.count }
        rows += group.count
        predictor.predict(group, watchedBy: isWatched ? shift : nil, failed: failed)
      }
    }
  }

  /// Answers a request of the Open Inference Protocol.
  /// - Parameters:
  ///   - body: As for `InferRequest`.
  ///   - start: When it came, by `Clock.now`.
  /// - Throws: `ServerFailure`; `EvenkeelError`.
  func infer(_ body: [UInt8], jsonCount: Int?, start: Int) async throws -> ServerResponse {
    let request = try InferRequest(body, jsonCount: jsonCount)
    try outputs.requireOutputs(request.outputs)
    let rows = try inputs.datasets(request.inputs)
    return try await answer(rows, timeout: request.timeout, start: start) { values in
      let outputs = outputs.tensors(values, for: request)
      return InferResponse(model: name, version: version, id: request.id, outputs: outputs).response
    }
  }

  /// Predicts rows, and measures the parts of a request.
  /// - Parameter write: Makes the answer of the predictions.
  func answer(
    _ rows: [Dataset], timeout: Int? = nil, start: Int, _ write: ([Double]) -> ServerResponse
  ) async throws -> ServerResponse {
    var times = ModelMetrics.Times()
    times.input = Clock.now - start
    let answer = try await batcher.predict(rows, timeout: timeout)
    (times.queue, times.compute) = (answer.queued, answer.computed)
    let computed = Clock.now
    let response = write(answer.values)
    let end = Clock.now
    (times.output, times.whole) = (end - computed, end - start)
    metrics.succeeded(times, now: Clock.today)
    return response
  }
}
