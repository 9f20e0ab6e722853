extension Trainer {
  /// How well `model` does on the validation data, and the value of `metric` if there is one.
  func judge(_ model: Model, on validation: Dataset) throws -> (quality: Quality, metric: Double?) {
    guard let metric else { return (try quality(of: model, on: validation), nil) }
    let evaluation = try ModelEnsemble([model]).evaluation(of: [validation], threads: threads, among: communicator)
    guard let value = evaluation.value(of: metric) else {
      throw EvenkeelError.data(
        "The metric \(metric.rawValue) is not defined on the validation data: \(metric.isOfClasses ? "it lacks a class" : "its target is constant")."
      )
    }
    return (evaluation.quality, value)
  }

  /// How well `model` does on the validation data, which ranks share.
  func quality(of model: Model, on validation: Dataset) throws -> Quality {
    try model.evaluate(validation, Model.InferenceRun(threads: threads, communicator: communicator))
  }

  /// - Throws: `EvenkeelError`: `usage` if `metric` does not fit the targets or there is nothing to measure it on, `data` if it is not
  ///   defined there.
  func requireMetric(of model: Model, on validation: Dataset?) throws {
    guard let metric else { return }
    try metric.requireFit(model.output!)
    guard let validation, !validation.isEmpty else {
      throw EvenkeelError.usage("The metric \(metric.rawValue) needs validation data to be measured on.")
    }
    // Before ranks know that they have the same data.
    var alone = self
    alone.communicator = nil
    _ = try alone.judge(model, on: validation)
  }
}
