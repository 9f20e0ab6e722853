import Evenkeel

extension RunStore {
  /// Writes those of the runs with these numbers that are done for TensorBoard, into `folder`/run-NUMBER.
  /// - Returns: How many were written.
  /// - Throws: `EvenkeelError`: `data` for a row that is invalid, `cannotWrite`.
  package func writeEvents(of numbers: [Int64], below folder: String) throws -> Int {
    try numbers.count { try run($0).writeEvents(below: folder) }
  }
}

extension StoredRun {
  /// Writes the run for TensorBoard into a folder of its own below `folder`, whole or not at all: the curve, and a row
  /// in the table of hyperparameters. An earlier writing is replaced.
  /// - Returns: Whether there was something to write: a run that has ended.
  /// - Throws: `EvenkeelError` with code `cannotWrite`.
  fileprivate func writeEvents(below folder: String) throws -> Bool {
    guard let result, let started, let finished else { return false }
    let table = HyperparameterTable(settings: trial.settings, metrics: [.init(tag: "score"), .init(tag: "loss")])
    var head = [
      LoggedEvent(step: 0, time: started), LoggedEvent(step: 0, time: started), LoggedEvent(step: 0, time: started),
    ]
    head[0].add(table.columns(time: started))
    head[1].add(table.row(time: started))
    head[2].add("trial/text_summary", text: trial.summary)
    let time = { (step: Int) in started + (finished - started) * Double(step) / Double(trial.steps) }
    let curve = result.curve.map { point in
      var event = LoggedEvent(step: point.step, time: time(point.step))
      event.add("loss", point.loss)
      event.add("score", point.score)
      return event
    }
    var end = LoggedEvent(step: result.divergedAt ?? trial.steps, time: finished)
    // What a diverged run is judged by is the score of guessing.
    if result.isDiverged { end.add("score", result.score) }
    end.add(HyperparameterTable.end(success: !result.isDiverged, time: finished))
    try EventFile.write(head + curve + [end], in: "\(folder)/run-\(id)", time: started)
    return true
  }
}

extension Trial {
  /// The settings by which trials differ, as logs name them.
  var settings: [(name: String, value: RunSetting)] {
    [
      ("normalization", .text((try? network.placed().normKinds) ?? "")),
      ("learningRate", .number(learningRate)), ("initialScale", .number(initialScale)),
      ("optimizer", .text(method.rawValue)), ("weightDecay", .number(weightDecay)),
      ("batchSize", .count(UInt64(batchSize))), ("steps", .count(UInt64(steps))),
      ("network", .text(network.summary)), ("seed", .count(seed)),
    ]
  }
}
