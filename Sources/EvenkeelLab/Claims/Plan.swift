import Evenkeel

/// How large a claim's experiment is. With it everything else follows, so the same plan asks for the same trials.
public struct Plan: Codable, Hashable, Sendable {
  /// The claim's name.
  public var claim: String
  public var data: DataDescription
  /// The user's, with batch norms; nil for the networks that the claims name.
  public var network: Network?
  /// Seeds that are measured; the search has one of its own.
  public var seeds: Int
  /// Steps of a trial.
  public var steps: Int
  /// Values of a quantity that is searched or varied.
  public var grid: Int

  /// Sizes from the smallest that says anything to that of the original paper.
  public static let sizes: [(steps: Int, grid: Int)] = [
    (60, 3), (120, 4), (200, 5), (350, 5), (600, 6), (1_000, 6), (1_500, 7), (2_500, 7), (4_000, 8), (7_000, 8),
    (12_000, 9), (25_000, 9), (50_000, 9),
  ]

  /// The most seeds that a contender is measured with.
  public static let mostSeeds = 1_000

  /// The place in `sizes`.
  public var size: Int { Self.sizes.firstIndex { $0.steps == steps } ?? 0 }

  public init(claim: String, data: DataDescription, network: Network? = nil, seeds: Int, size: Int) {
    (self.claim, self.data, self.network, self.seeds) = (claim, data, network, seeds)
    (steps, grid) = (Self.sizes[size].steps, Self.sizes[size].grid)
  }

  /// Step sizes that every side is searched over.
  var rates: [Double] { LogarithmicRange(0.03, 10).grid(grid) }

  /// Evaluations of a curve: every twenty steps, 60 at most.
  var courseEvaluations: Int { min(60, max(4, steps / 20)) }
}

/// A network that a claim is tested on.
struct Subject: Hashable, Sendable {
  let name: String
  /// With batch norm.
  let network: Network
}

extension Plan {
  /// The user's network, or the paper's sigmoid net and the same with ReLU.
  var subjects: [Subject] {
    if let network { return [Subject(name: "your network", network: network)] }
    return [paperNet, reluNet]
  }
  /// The user's network, or the ReLU net.
  var subject: Subject { network.map { Subject(name: "your network", network: $0) } ?? reluNet }

  /// Ioffe and Szegedy 2015, §4.1: three layers of 100 sigmoid units, started from a small Gaussian; here N(0, 0.1²).
  var paperNet: Subject {
    Subject(name: "sigmoid", network: multilayer([100, 100, 100], Sigmoid(), start: .normal(0.1)) { [BatchNorm()] })
  }
  var reluNet: Subject {
    Subject(name: "ReLU", network: multilayer([100, 100, 100], ReLU()) { [BatchNorm()] })
  }

  /// Dense layers of these widths, each with what `norm` gives and the activation behind it, and an output layer.
  func multilayer(
    _ hidden: [Int], _ activation: some Layer, start: Initialization = .automatic, isNormBehind: Bool = false,
    bias: Bias = .automatic, _ norm: () -> [any Layer]
  ) -> Network {
    Network(input: [data.input.count]) {
      for units in hidden {
        Dense(units, bias: bias, initialization: start)
        if !isNormBehind { norm() }
        activation
        if isNormBehind { norm() }
      }
      Dense(data.outputs, initialization: start)
    }
  }

  /// A trial on the plan's data; the step size is filled in by whoever searches it.
  func trial(
    _ network: Network, steps: Int? = nil, evaluations: Int = 1, batchSize: Int = 60, probes: [Probe] = []
  ) -> Trial {
    Trial(
      network: network, data: data.fingerprint, learningRate: 1, batchSize: batchSize, steps: steps ?? self.steps,
      evaluations: evaluations, seed: 0, probes: probes)
  }
}
