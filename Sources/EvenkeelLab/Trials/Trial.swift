import Evenkeel

/// One training to be made, in full: the same description gives the same numbers, and is done once.
package struct Trial: Codable, Hashable, Sendable {
  /// How weights follow the gradient, a momentum being 0.9.
  package typealias Method = Optimizer.Name

  /// Which examples the curve is measured on. Settings are searched on the one and judged on the other.
  package enum Part: String, Codable, Sendable { case validation, test }

  /// What is trained, norms included.
  package var network: Network
  /// Which data: `DataDescription.fingerprint`.
  package var data: String
  package var evaluatedOn: Part
  /// What the score is; nil for accuracy or R².
  package var metric: Metric?
  package var method: Method
  package var learningRate: Double
  package var weightDecay: Double
  /// The greatest norm of the gradient; nil for no limit.
  package var clippingNorm: Double?
  package var batchSize: Int
  package var steps: Int
  /// How often the model is evaluated, evenly spread; the last time after the last step.
  package var evaluations: Int
  /// What the weights are multiplied with before the first step; biases, scales and shifts are left as they are.
  package var initialScale: Double
  /// Of start, order and whatever else is drawn.
  package var seed: UInt64
  /// What is measured besides the curve.
  package var probes: [Probe]
  /// How a table is trained as `train` does it; nil for steps at a constant rate, of which the last is judged.
  package var table: TableTraining?

  package init(
    network: Network, data: String, evaluatedOn: Part = .test, metric: Metric? = nil, method: Method = .gradientDescent,
    learningRate: Double,
    weightDecay: Double = 0, clippingNorm: Double? = nil, batchSize: Int = 60, steps: Int, evaluations: Int = 10,
    initialScale: Double = 1, seed: UInt64, probes: [Probe] = []
  ) {
    (self.network, self.data, self.evaluatedOn, self.method) = (network, data, evaluatedOn, method)
    self.metric = metric
    (self.learningRate, self.weightDecay, self.clippingNorm) = (learningRate, weightDecay, clippingNorm)
    (self.batchSize, self.steps, self.evaluations) = (batchSize, steps, evaluations)
    (self.initialScale, self.seed, self.probes) = (initialScale, seed, probes)
  }

  var optimizer: Optimizer { Optimizer(method, learningRate: learningRate, weightDecay: weightDecay) }

  /// After which of its steps, 1 to `mostSteps`, the model is evaluated, rising, the last one included.
  package var evaluationSteps: [Int] {
    let points = min(max(1, evaluations), steps)
    return (1...points).map { steps * $0 / points }
  }

  /// The trial under the rules that are in force, in 16 hexadecimal digits: the store's key.
  /// - Throws: What a layer of the user's own throws as it is encoded.
  package var key: String {
    get throws {
      var key = Fingerprint()
      key.add(Laboratory.rulesVersion)
      key.add(try json(self))
      return key.text
    }
  }

  /// The most steps that a trial may have.
  package static let mostSteps = 1_000_000_000

  /// - Throws: `EvenkeelError` with code `usage` for a number of steps or a batch size out of range.
  func requireCounts() throws {
    guard (1...Self.mostSteps).contains(steps) else {
      throw EvenkeelError(.usage, "The number of steps is \(steps); expected 1 to \(Self.mostSteps).")
    }
    guard batchSize > 0 else {
      throw EvenkeelError(.usage, "The batch size is \(batchSize); expected at least 1.")
    }
  }

  /// Network and settings in one line, for people.
  package var summary: String {
    var parts = [
      network.summary, "\(method.rawValue) \(NumberText.plain.short(learningRate))", "batch \(batchSize)",
      "\(steps) steps",
    ]
    if initialScale != 1 { parts.append("start × \(NumberText.plain.short(initialScale))") }
    if let metric { parts.append("by \(metric.rawValue)") }
    if weightDecay != 0 { parts.append("decay \(NumberText.plain.short(weightDecay))") }
    if let table { parts.append("\(table.numbers.rawValue) numbers, the best of \(table.epochs) epochs") }
    return parts.joined(separator: ", ")
  }
}

extension Trial {
  /// Reads a stored trial, which may hold the laboratory's own layer.
  package init(from decoder: any Decoder) throws {
    LayerRegistry.register(NoiseInjection.self)
    let values = try decoder.container(keyedBy: CodingKeys.self)
    network = try values.decode(Network.self, forKey: .network)
    data = try values.decode(String.self, forKey: .data)
    evaluatedOn = try values.decode(Part.self, forKey: .evaluatedOn)
    metric = try values.decodeIfPresent(Metric.self, forKey: .metric)
    method = try values.decode(Method.self, forKey: .method)
    learningRate = try values.decode(Double.self, forKey: .learningRate)
    weightDecay = try values.decode(Double.self, forKey: .weightDecay)
    clippingNorm = try values.decodeIfPresent(Double.self, forKey: .clippingNorm)
    batchSize = try values.decode(Int.self, forKey: .batchSize)
    steps = try values.decode(Int.self, forKey: .steps)
    evaluations = try values.decode(Int.self, forKey: .evaluations)
    initialScale = try values.decode(Double.self, forKey: .initialScale)
    seed = try values.decode(UInt64.self, forKey: .seed)
    probes = try values.decode([Probe].self, forKey: .probes)
    table = try values.decodeIfPresent(TableTraining.self, forKey: .table)
  }
}

/// What a trial measures besides its curve, by its name in stored trials.
package enum Probe: String, Codable, Hashable, Sendable {
  /// Accuracy by running averages, by recalibrated ones and by those of single batches, at every evaluation.
  case statistics
  /// How far biases before a norm moved, compared with the weights.
  case biases
  /// The 15th, 50th and 85th percentile of what the last hidden activation takes, at every evaluation.
  case inputs
  /// Leading eigenvalues of the Hessian, and the loss over the plane of the first two, after the last step.
  case curvature
  /// Loss and gradient along the gradient's direction, at every evaluation.
  case landscape
}

extension Network {
  /// Layers by their widths and kinds: `784-100-100-10 relu batchNorm`.
  package var summary: String {
    guard let leaves = try? placed().layers else { return "network" }
    let widths = leaves.filter { $0.multiplyAdds > 0 }.map { "\($0.output.featureCount)" }
    let kinds = leaves.filter { $0.multiplyAdds == 0 && !$0.layer.traits.contains(.reshapes) }.map {
      type(of: $0.layer).kind
    }
    var distinct: [String] = []
    for kind in kinds where !distinct.contains(kind) { distinct.append(kind) }
    var shown: [String] = []
    var index = 0
    while index < widths.count {
      let run = widths[index...].prefix { $0 == widths[index] }.count
      shown.append(
        run > 3 ? "\(run)×\(widths[index])" : Array(repeating: widths[index], count: run).joined(separator: "-"))
      index += run
    }
    return ([([String(input.count)] + shown).joined(separator: "-")] + distinct).joined(separator: " ")
  }
}
