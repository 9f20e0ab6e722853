import Evenkeel

/// A network that a claim is tested on.
struct Subject: Hashable {
  let name: String
  /// With batch norm.
  let network: Network

  var condition: Condition { Condition(name) }

  /// The two sides of most comparisons, with batch norm first.
  var sides: [(contender: Contender, network: Network)] {
    [(.batchNorm, network), (.withoutNorms, network.withoutNormalization())]
  }
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

  /// Dense layers of these widths, each followed by the layers from `norm` and by the activation, and an output layer.
  func multilayer(
    _ hidden: [Int], _ activation: some Layer, start: Initialization = .automatic, isNormLast: Bool = false,
    bias: Bias = .automatic, _ norm: () -> [any Layer]
  ) -> Network {
    Network(input: [data.input.count]) {
      for units in hidden {
        Dense(units, bias: bias, initialization: start)
        if !isNormLast { norm() }
        activation
        if isNormLast { norm() }
      }
      Dense(data.outputs, initialization: start)
    }
  }

  /// A trial on the plan's data; the search fills in the step size.
  func trial(
    _ network: Network, steps: Int? = nil, evaluations: Int = 1, batchSize: Int = 60, probes: [Probe] = []
  ) -> Trial {
    Trial(
      network: network, data: data.fingerprint, learningRate: 1, batchSize: batchSize, steps: steps ?? self.steps,
      evaluations: evaluations, seed: 0, probes: probes)
  }

  /// Both sides of each of `subjects`, which are the conditions.
  func contest(
    _ subjects: [Subject], evaluations: Int = 1, probes: [Probe] = [], rates: [Double]? = nil,
    criterion: Contest.Criterion = .finalScore
  ) -> Contest {
    Contest(
      subjects.flatMap { subject in
        subject.sides.map {
          Contest.Arm(
            contender: $0.contender, condition: subject.condition,
            trial: trial($0.network, evaluations: evaluations, probes: probes), rates: rates ?? self.rates)
        }
      }, seeds: seeds, criterion: criterion)
  }

  /// Both sides of each of `subjects`, measured over the course.
  func courseContest(_ subjects: [Subject], probes: [Probe] = []) -> Contest {
    contest(subjects, evaluations: courseEvaluations, probes: probes, criterion: .meanScore)
  }
}
