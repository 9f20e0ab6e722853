import Evenkeel

/// Settings of a training, drawn at random.
///
/// The space is that of multilayer perceptrons in "TabM" (Gorishniy et al. 2025, arXiv 2410.24210), with three changes: learning rates
/// reach higher, as networks here may have norms; widths end at 512, as they run on processors; and batch size and norms are drawn too.
package struct TuningPoint: Hashable, Sendable {
  /// What is normalized in the hidden layers, as `train --normalization` calls it.
  package enum Norm: String, CaseIterable, Sendable {
    case batch
    case afterActivation = "after-activation"
    case layer, none
  }

  /// From 0.0001 to 0.01, uniform in the logarithm.
  package let learningRate: Double
  /// 0 in half of the points, else from 0.0001 to 0.1, uniform in the logarithm.
  package let weightDecay: Double
  /// One to four layers of the same width, 32 to 512 in sixteens, uniform in the logarithm.
  package let hidden: [Int]
  /// 0 in half of the points, else up to 0.5.
  package let dropout: Double
  /// 32, 64, 128, 256 or 512.
  package let batchSize: Int
  package let norm: Norm

  /// The point `index` of the sequence of `seed`, whatever points were drawn before.
  package init(_ index: Int, seed: UInt64) {
    var random = RandomNumbers(RandomKey(seed: seed).branch(index))
    learningRate = rounded(LogarithmicRange(1e-4, 1e-2).value(at: random.uniform()))
    let decay = rounded(LogarithmicRange(1e-4, 0.1).value(at: random.uniform()))
    weightDecay = random.uniform() < 0.5 ? 0 : decay
    let width = 16 * Int((LogarithmicRange(32, 512).value(at: random.uniform()) / 16).rounded())
    hidden = Array(repeating: width, count: 1 + random.integer(below: 4))
    let share = (100 * random.uniform(0, 0.5)).rounded() / 100
    dropout = random.uniform() < 0.5 ? 0 : share
    batchSize = 32 << random.integer(below: 5)
    norm = Norm.allCases[random.integer(below: Norm.allCases.count)]
  }

  /// The network for data of this kind.
  package func network(for data: DataDescription) throws -> Network {
    let network = Network.multilayer(
      input: data.input.count, hidden: hidden, outputs: data.outputs,
      normalization: norm == .afterActivation ? .afterActivation : .beforeActivation, dropout: dropout)
    return norm == .afterActivation ? network : try network.normalized(by: Normalization(named: norm.rawValue))
  }

  /// The trial of so many passes over the data, judged after the last one on the validation examples.
  package func trial(epochs: Int, on data: DataDescription, metric: Metric?) throws -> Trial {
    let batches = (data.trainingCount - 1) / batchSize + 1
    return Trial(
      network: try network(for: data), data: data.fingerprint, evaluatedOn: .validation, metric: metric, method: .adamW,
      learningRate: learningRate, weightDecay: weightDecay, batchSize: batchSize, steps: epochs * batches,
      evaluations: 1, seed: 0)
  }

  /// The options of `train` that make this trial, apart from DATA.
  package func options(epochs: Int) -> [String] {
    [
      "--validation", "\(LaboratoryData.validationShare)", "--hidden", hidden.map(String.init).joined(separator: ","),
      "--activation", "relu", "--normalization", norm.rawValue, "--dropout", "\(dropout)", "--optimizer", "adamw",
      "--learning-rate", "\(learningRate)", "--weight-decay", "\(weightDecay)", "--schedule", "constant",
      "--batch-size", "\(batchSize)", "--epochs", "\(epochs)", "--seed", "0",
    ]
  }
}
