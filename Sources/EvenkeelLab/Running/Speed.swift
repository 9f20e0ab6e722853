import Evenkeel

/// How long trials take on this machine in its current state: a line through two measured ones.
package struct Speed: Hashable, Sendable {
  /// Seconds for a product of a weight and an input, forward and backward.
  package let product: Double
  /// Seconds for a layer of a step, however small.
  package let layer: Double

  /// The cost of a network by its size.
  package init(product: Double, layer: Double) { (self.product, self.layer) = (product, layer) }

  /// Runs two short trials on `data`: a wide one, whose products count, and a deep narrow one, whose layers do. Both
  /// take the values of an example as they lie, so neither the shape nor the length of a sequence matters.
  /// - Throws: `EvenkeelError` with code `data` if even these leave the finite numbers.
  package init(measuredOn data: LaboratoryData) throws {
    let data = data.withoutWeightsAndLengths
    let description = data.description
    func network(_ hidden: [Int]) -> Network {
      Network(input: [description.input.count]) {
        for units in hidden {
          Dense(units)
          BatchNorm()
          ReLU()
        }
        Dense(description.outputs)
      }
    }
    func measured(_ hidden: [Int], _ batchSize: Int, _ steps: Int) throws -> (
      products: Double, layers: Double, seconds: Double
    ) {
      let trial = Trial(
        network: network(hidden), data: description.fingerprint, learningRate: 1e-6, batchSize: batchSize, steps: steps,
        evaluations: 1, seed: 0)
      // The first is slower, as caches are cold.
      let first = try trial.run(on: data)
      if let reason = first?.reason {
        throw EvenkeelError(.data, "\(description.source): the speed of training cannot be measured: \(reason)")
      }
      let seconds = try ContinuousClock().measure { _ = try trial.run(on: data) } / .seconds(1)
      return (trial.products * Double(steps), trial.layers * Double(steps), seconds)
    }
    let wide = try measured([256, 256], 128, 10)
    let deep = try measured(Array(repeating: 16, count: 10), 8, 50)
    let determinant = wide.products * deep.layers - wide.layers * deep.products
    product = max(1e-13, (wide.seconds * deep.layers - deep.seconds * wide.layers) / determinant)
    layer = max(1e-8, (wide.products * deep.seconds - deep.products * wide.seconds) / determinant)
  }

  /// The seconds that `trial` takes on one thread, evaluations included.
  package func seconds(_ trial: Trial) -> Double {
    let (products, layers) = (trial.products, trial.layers)
    let step = products * product + layers * layer
    // A forward pass is a third of a step; 2,000 examples at most.
    let evaluation = products / Double(trial.batchSize) * 2_000 * product / 3 + 1e-3
    let points = Double(trial.evaluationSteps.count)
    let probes = trial.probes.reduce(0) { $0 + $1.evaluations(at: points) }
    return Double(trial.steps) * step + (points + probes) * evaluation + 2e-3
  }
}

extension Trial {
  /// Products of one step, and layers; data is gathered at about the cost of four products a value.
  fileprivate var products: Double {
    let leaves = (try? network.placed().layers) ?? []
    return Double(batchSize) * Double(leaves.reduce(4 * network.input.count) { $0 + $1.multiplyAdds })
  }
  fileprivate var layers: Double { Double((try? network.placed().layers)?.count ?? 1) }
}

extension Probe {
  /// What it costs over a whole trial, in evaluations.
  fileprivate func evaluations(at points: Double) -> Double {
    switch self {
    case .biases: 0
    case .inputs: points
    case .statistics: 12 * points
    case .landscape: 12 * points
    case .curvature: 300
    }
  }
}
