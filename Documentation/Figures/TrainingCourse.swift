import Evenkeel
import EvenkeelLab

/// The experiment of Ioffe and Szegedy (2015, §4.1) on drawn digits: three sigmoid layers of 100 units, with batch norm and
/// without, from the same start.
struct TrainingCourse {
  /// Test accuracy over steps.
  let accuracies: Figure
  /// Percentiles of one unit's inputs over steps.
  let inputs: Figure

  static func compare() throws -> TrainingCourse {
    let digits = try Dataset.digits(training: 6_000, test: 1_000, seed: 1)
    let with = try Side(digits, normalized: true), without = try Side(digits, normalized: false)
    return TrainingCourse(
      accuracies: Figure(
        "Accuracy on digits that it has not seen", caption: "", x: Axis("Steps"), y: Axis("Accuracy", unit: "%"),
        plot: .curves([
          Curve("batch norm", side: .with, points: with.accuracies),
          Curve("without", side: .without, points: without.accuracies),
        ])),
      inputs: Figure(
        "Inputs of one unit's activation", caption: "", x: Axis("Steps"), y: Axis("Input of the sigmoid"),
        plot: .ribbons([
          Curve("batch norm", side: .with, points: with.inputs),
          Curve("without", side: .without, points: without.inputs),
        ])))
  }

  private struct Side {
    let accuracies: [Curve.Point]
    let inputs: [Curve.Point]

    init(_ digits: DatasetSplits, normalized: Bool) throws {
      var model = try Model(
        Network(input: [784]) {
          for _ in 0..<3 {
            Dense(100, initialization: .normal(0.1))
            if normalized { BatchNorm() }
            Sigmoid()
          }
          Dense(10, initialization: .normal(0.1))
        }, seed: 1)
      let trainer = Trainer(
        loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: 2), batchSize: 60,
        evaluationInterval: 20, seed: 1)
      var (scores, percentiles): ([Curve.Point], [Curve.Point]) = ([], [])
      var probe: ActivationProbe?
      var unit: Int?
      try trainer.fit(
        &model, to: digits.training, validation: digits.test, epochs: 6,
        onEvent: { event in
          guard case .evaluated(let step, let quality) = event else { return }
          scores.append(Curve.Point(Double(step), 100 * quality.accuracy!))
        },
        observing: { step, current in
          guard step % 10 == 0 else { return }
          let model = try current()
          if probe == nil { probe = try ActivationProbe(model, examples: digits.test.subset(0..<200)) }
          let all = try probe!.inputs(of: model)
          unit = unit ?? all.typicalUnit
          let one = all.units[unit!]
          percentiles.append(Curve.Point(Double(step), one.median, low: one.low, high: one.high))
        })
      (accuracies, inputs) = (scores, percentiles)
    }
  }
}
