extension Trainer {
  /// How well `model` does on the validation data, and the value of `metric` if there is one.
  func judge(_ model: Model, on validation: Dataset) throws -> (quality: Quality, metric: Double?) {
    guard let metric else { return (try model.evaluate(validation, threads: threads), nil) }
    let evaluation = try model.evaluation(of: validation, threads: threads)
    guard let value = evaluation.value(of: metric) else {
      throw EvenkeelError.data(
        "The metric \(metric.rawValue) is not defined on the validation data: \(metric.isOfClasses ? "it lacks a class" : "its target is constant")."
      )
    }
    return (evaluation.quality, value)
  }

  /// - Throws: `EvenkeelError`: `usage` if `metric` does not fit the targets or there is nothing to measure it on, `data` if it is not
  ///   defined there.
  func requireMetric(of model: Model, on validation: Dataset?) throws {
    guard let metric else { return }
    try metric.requireFit(model.output!)
    guard let validation, !validation.isEmpty else {
      throw EvenkeelError.usage("The metric \(metric.rawValue) needs validation data to be measured on.")
    }
    _ = try judge(model, on: validation)
  }
}
