/// What the order of a network's layers shows without parameters or data, and where its batch norms are.
struct StructureExamination {
  private(set) var findings: [Finding] = []
  private(set) var norms: [NormSite] = []
  /// The channels by which inputs are standardized; nil if they are not, or not yet.
  private let standardizedChannels: Int?
  /// The decay of weights; nil if it is not known.
  private let weightDecay: Double?

  /// A norm that keeps running statistics, and the relevant parts of its surroundings.
  struct NormSite {
    let layer: PlacedLayer
    let options: NormOptions
    /// The path of the ReLU that follows and sees only this norm's output; nil if there is none.
    let reluPath: String?
    /// Whether it is the last of a residual block, where a γ of 0 leaves only the shortcut.
    let endsBlock: Bool
  }

  /// What a layer works on, ignoring changes of shape.
  private enum Source {
    case input
    case norm(String)
    case biased(String)
    case other
  }

  init(_ network: PlacedNetwork, standardizedChannels: Int? = nil, weightDecay: Double? = nil) {
    self.standardizedChannels = standardizedChannels
    self.weightDecay = weightDecay
    examine(network.items, source: .input)
  }

  private mutating func examine(_ items: [PlacedNetwork.Item], source: Source, isBlock: Bool = false) {
    var source = source
    for (index, item) in items.enumerated() {
      switch item {
      case .block(let block):
        examine(block.items, source: source, isBlock: true)
        examine(block.shortcut, source: source)
        source = .other
      case .layer(let placed):
        let next = index + 1 < items.count ? items[index + 1] : nil
        if let options = placed.layer.norm {
          examine(placed, options, after: source)
          if placed.layer.traits.contains(.runningStatistics) {
            var reluPath: String?
            if case .layer(let next) = next, next.layer.activationFunction == ReLU().activation { reluPath = next.path }
            norms.append(
              NormSite(layer: placed, options: options, reluPath: reluPath, endsBlock: isBlock && next == nil))
          }
          source = .norm(placed.path)
        } else if placed.parameters.contains(where: { $0.role == .bias }) {
          source = .biased(placed.path)
        } else if !placed.layer.traits.contains(.reshapes) {
          source = .other
        }
        for parameter in placed.parameters where parameter.role == .weight && parameter.shape.rank == 1 {
          findings.append(decayedScale(placed.path, parameter.name))
        }
      }
    }
  }

  private mutating func examine(_ placed: PlacedLayer, _ options: NormOptions, after source: Source) {
    let (name, traits) = (placed.path, placed.layer.traits)
    switch source {
    case .input:
      guard traits.contains(.runningStatistics), standardizedChannels == placed.input.featureCount else { return }
      findings.append(
        Finding(
          .standardizedInput, .note, layer: name,
          cause: "The inputs are standardized feature by feature before they reach this norm, which does it again.",
          remedy: "Remove it, unless you want its scale and shift."))
    case .norm(let before):
      findings.append(
        Finding(
          .duplicatedNorm, .warning, layer: name,
          cause:
            "It normalizes the output of the norm \(before) again, so the scale and shift learned there have almost no effect.",
          remedy: "Remove one of the two."))
    case .biased(let before):
      // With statistics that are fixed, or not taken per feature over the batch, a bias has an effect.
      guard traits.contains(.removesConstants), !options.isFrozen else { return }
      findings.append(
        Finding(
          .biasBeforeNorm, .note, layer: before,
          cause:
            "Its bias moves all values of a feature alike, and the norm \(name) after it subtracts their mean: the bias changes nothing, and its gradient is 0.",
          remedy: "Build the layer with bias absent; the norm's shift does the same."))
    case .other: return
    }
  }

  private func decayedScale(_ layer: String, _ parameter: String) -> Finding {
    let acts = (weightDecay ?? 0) > 0
    return Finding(
      .decayedScale, acts ? .warning : .note, layer: layer, numbers: weightDecay.map { ["weightDecay": $0] } ?? [:],
      cause:
        "Its \(parameter) holds one number per feature, a scale, but has the role of a weight: weight decay \(acts ? "of \(NumberText.plain.short(weightDecay!)) draws" : "would draw") it to 0.",
      remedy: "Give the parameter the role .scale, which weight decay leaves alone.")
  }
}

extension Network {
  /// What is wrong with the order of the layers, and with batches of `batchSize`, before anything is learned.
  /// - Parameters:
  ///   - batchSize: The batch size of the planned training; nil: not judged.
  ///   - weightDecay: The weight decay of that training; nil: not known.
  /// - Throws: As `outputShape()`.
  public func diagnose(batchSize: Int? = nil, weightDecay: Double? = nil) throws -> [Finding] {
    let placed = try placed()
    let structure = StructureExamination(placed, weightDecay: weightDecay)
    return Finding.sorted(
      structure.findings + structure.norms.compactMap { NormExamination.smallBatch($0, batchSize: batchSize, nil) },
      in: placed)
  }
}
