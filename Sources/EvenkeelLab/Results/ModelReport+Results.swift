import Evenkeel

extension ModelReport {
  /// What was understood of the data, a line each.
  package mutating func addData(_ lines: [String]) {
    var section = Section("data", "The data")
    section.paragraphs = lines
    sections.append(section)
  }

  /// How the training went.
  /// - Parameters:
  ///   - metric: What it was judged by, besides the loss.
  ///   - keepsBest: Whether the best epoch's model was kept, not the last one's.
  package mutating func addTraining(_ history: History, epochs: Int, metric: Metric?, keepsBest: Bool) {
    var section = Section("training", "The training")
    let count = history.epochs.count
    let seconds = history.epochs.reduce(0) { $0 + $1.seconds }
    let which = "\(count) \(count == epochs ? "" : "of \(epochs) ")\(epochs == 1 ? "epoch" : "epochs")"
    var text = "\(which) in \(NumberText.page.significant(seconds)) s."
    if history.stoppedEarly { text += " Patience ran out then." }
    section.paragraphs = [count == 0 ? "No epoch was completed." : text]
    if let best = history.bestEpoch(by: metric) {
      let judge = metric.map { $0.title } ?? "loss"
      section.paragraphs.append(
        "Epoch \(best) has the best validation \(judge); "
          + (keepsBest
            ? "its model was kept."
            : best == count ? "it is the last one, whose model was kept." : "the last one’s model was kept."))
    }
    section.figures = history.figures(metric: metric)
    sections.append(section)
  }

  /// How well the model does.
  /// - Parameters:
  ///   - guess: How well guessing does on the same examples.
  ///   - part: What the examples are: "the 36 rows of the test part".
  package mutating func addResults(_ evaluation: Evaluation, guess: Guess?, on part: String) {
    result = Result(evaluation, guess, on: part)
    var section = Section("results", "How well it does")
    section.paragraphs = ["On \(part)."]
    section.tables = [evaluation.metricTable(beside: guess)]
    if let classes = evaluation.classes {
      section.tables.append(classes.classTable)
      if let confusion = classes.confusionFigure {
        section.figures.append(confusion)
      } else {
        section.paragraphs.append("A confusion matrix of \(classes.labels.count) classes would not fit the page.")
      }
      section.figures.append(classes.reliabilityFigure)
      section.tables.append(classes.reliabilityTable)
    } else if let values = evaluation.values {
      for target in values.names.indices.prefix(Self.mostTargets) {
        section.figures += [values.agreementFigure(of: target), values.errorFigure(of: target)].compactMap(\.self)
      }
      section.tables.append(values.errorTable)
    }
    sections.append(section)
  }

  /// What the model owes to each column of a table; nothing for other data.
  package mutating func addImportance(of model: Model, on dataset: Dataset, metric: Metric?, seed: UInt64) {
    guard dataset.shape.rank == 1, model.images == nil else { return }
    var section = Section("importance", "What it looks at")
    do {
      let rows = min(max(Self.permutedRows / dataset.columnFeatures.count, 200), Self.mostExamples)
      let importance = try model.importance(on: dataset.sample(of: rows, seed: seed), metric: metric, seed: seed)
      section.figures = [importance.figure()]
    } catch {
      section.paragraphs = ["Not measured: \((error as? EvenkeelError)?.message ?? "\(error)")"]
    }
    sections.append(section)
  }

  /// The state of the model's norms.
  /// - Parameters:
  ///   - number: Which of several models it is, from 1.
  ///   - dataset: Examples to measure them on; nil looks at parameters and averages only.
  package mutating func addNorms(of model: Model, number: Int? = nil, on dataset: Dataset?, seed: UInt64) {
    var section =
      number.map { Section("norms-\($0)", "The normalization of model \($0)") } ?? Section("norms", "Its normalization")
    do {
      let diagnosis = try model.diagnose(on: dataset?.sample(of: Self.mostExamples, seed: seed))
      (section.tables, section.remarks) = (diagnosis.tables, diagnosis.remarks)
      section.paragraphs =
        diagnosis.findings.isEmpty ? [diagnosis.norms.isEmpty ? "The network has no batch norm." : "No findings."] : []
    } catch {
      section.paragraphs = ["Not examined: \((error as? EvenkeelError)?.message ?? "\(error)")"]
    }
    sections.append(section)
  }

  /// What is measured beside the results takes at most so many examples; a permutation, so many rows over all columns.
  private static let mostExamples = 10_000
  private static let permutedRows = 200_000
  /// Of more targets there are only numbers.
  private static let mostTargets = 4
}

extension ModelReport.Result {
  fileprivate init(_ evaluation: Evaluation, _ guess: Guess?, on part: String) {
    let quality = evaluation.quality
    let percent = { (share: Double) in NumberText.page.percent(share, decimals: 2) }
    if let accuracy = quality.accuracy {
      (value, name) = (percent(accuracy), "accuracy on \(part)")
      note =
        guess.flatMap { guess in
          guess.accuracy.map { "Always “\(guess.label ?? "")”: \(percent($0))" }
        } ?? ""
      isBetterThanGuessing = guess?.accuracy.map { accuracy > $0 }
    } else if let error = quality.rootMeanSquaredError {
      (value, name) = (NumberText.page.significant(error, digits: 4), "RMSE on \(part)")
      note = guess?.rootMeanSquaredError.map { "Always the mean: \(NumberText.page.significant($0, digits: 4))" } ?? ""
      isBetterThanGuessing = guess?.rootMeanSquaredError.map { error < $0 }
    } else {
      (value, name) = (NumberText.page.significant(quality.loss, digits: 4), "loss on \(part)")
      (note, isBetterThanGuessing) = ("", nil)
    }
  }
}

extension Evaluation {
  /// Every metric that the data defines, beside that of guessing where there is one.
  fileprivate func metricTable(beside guess: Guess?) -> NumberTable {
    var rows: [[NumberTable.Cell]] = [["loss", .text(NumberText.page.significant(quality.loss, digits: 4)), ""]]
    for metric in Metric.allCases {
      guard let value = value(of: metric) else { continue }
      let guessed: Double? =
        switch metric {
        case .accuracy: guess?.accuracy
        case .rootMeanSquaredError: quality.targets.count == 1 ? guess?.rootMeanSquaredError : nil
        default: nil
        }
      rows.append([
        .text(metric.title), .text(NumberText.page.significant(value, digits: 4)),
        .text(guessed.map { NumberText.page.significant($0, digits: 4) } ?? ""),
      ])
    }
    return NumberTable("Metrics", columns: ["Metric", "Value", "Guessing"], rows: rows)
  }
}

extension Dataset {
  /// At most `count` of the examples, drawn by `seed`.
  fileprivate func sample(of count: Int, seed: UInt64) -> Dataset {
    guard self.count > count else { return self }
    var order = Array(0..<self.count)
    var random = RandomNumbers(RandomKey(seed: seed))
    random.shuffle(&order)
    return subset(order.prefix(count))
  }
}
