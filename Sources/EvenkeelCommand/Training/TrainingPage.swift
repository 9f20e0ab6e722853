import Evenkeel
import EvenkeelLab

/// The page of `train --report`.
struct TrainingPage {
  let data: String
  let splits: DatasetSplits
  let trainer: Trainer
  let epochs: Int

  /// Everything about a training that has come to its end.
  func report(_ model: Model, _ history: History, _ evaluation: Evaluation) throws -> ModelReport {
    var report = try opening(model, history)
    let (part, name) = splits.judged
    report.addResults(evaluation, guess: Guess(from: splits.training, on: part), on: name)
    report.addImportance(of: model, on: part, metric: trainer.metric, seed: trainer.seed)
    report.addNorms(of: model, on: part, seed: trainer.seed)
    return report
  }

  /// What there is of a training that was interrupted.
  func report(interrupted model: Model, _ history: History) throws -> ModelReport {
    var report = try opening(model, history)
    report.facts.append(
      ModelReport.Fact("State", "Interrupted in epoch \(history.epochs.count + 1) of \(epochs), so there is no result.")
    )
    report.addNorms(of: model, on: nil, seed: trainer.seed)
    return report
  }

  private func opening(_ model: Model, _ history: History) throws -> ModelReport {
    let name = data.lastPathComponent
    var report = try ModelReport(
      about: splits.training.encoding.map { "\($0.targetName), predicted from \(name)" } ?? "A model of \(name)",
      ModelEnsemble([model]), threads: trainer.threads)
    report.addData(splits.summary(of: data))
    report.addTraining(
      history, epochs: epochs, metric: trainer.metric, keepsBest: trainer.patience != nil || trainer.metric != nil)
    return report
  }
}

extension ModelReport {
  /// A page with nothing in it yet.
  init(about title: String, _ ensemble: ModelEnsemble, threads: Int) throws {
    let (count, model) = (ensemble.members.count, ensemble.members[0])
    self.init(
      title: title,
      facts: [
        Fact("Network", (count > 1 ? "the mean of \(count) models, each " : "") + model.network.summary),
        Fact("Parameters", NumberText.page.fixed(Double(count * model.parameterCount), decimals: 0)),
        Fact("Machine", "\(Machine.processor), \(threads) \(threads == 1 ? "thread" : "threads")"),
        Fact("Date", today()),
      ], command: try givenCommand(), footer: "Made by Evenkeel \(Release.version) on \(today()).")
  }
}

extension DatasetSplits {
  /// What the model is judged by at the end: the test part, or another if there is none.
  var judged: (part: Dataset, name: String) {
    let parts = [(test, "the test part"), (validation, "the validation part"), (training, "the training part")]
    let (part, name) = parts.first { !$0.0.isEmpty } ?? parts[2]
    let unit = (part.encoding == nil ? "example" : "row") + (part.count == 1 ? "" : "s")
    return (part, "the \(NumberText.page.fixed(Double(part.count), decimals: 0)) \(unit) of \(name)")
  }
}

extension String {
  /// What follows the last slash.
  var lastPathComponent: String { split(separator: "/").last.map { String($0) } ?? self }
}
