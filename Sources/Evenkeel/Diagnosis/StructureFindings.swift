/// What the order of a network's layers says without parameters or data, and where its batch norms stand.
struct StructureExamination {
  private(set) var findings: [Finding] = []
  private(set) var norms: [NormSite] = []
  /// The channels by which inputs are standardized; nil where they are not, or not yet.
  private let standardizedChannels: Int?
  /// The decay of weights; nil where it is not known.
  private let weightDecay: Double?

  /// A batch norm and what matters of its surroundings.
  struct NormSite {
    let layer: BatchNorm
    let name: String
    let input: Shape
    /// Whether a ReLU follows that sees this norm's output alone.
    let hasReLU: Bool
    /// Whether it is the last of a residual block, where a γ of 0 leaves the shortcut.
    let endsBlock: Bool
  }

  /// What a layer works on, seen through changes of shape.
  private enum Source {
    case input
    case norm(String)
    case biased(String)
    case other
  }

  init(_ network: Network, standardizedChannels: Int? = nil, weightDecay: Double? = nil) throws {
    self.standardizedChannels = standardizedChannels
    self.weightDecay = weightDecay
    _ = try network.outputShape()
    try walk(network.layers.layers, prefix: "", from: network.input, source: .input)
  }

  private mutating func walk(
    _ layers: [any Layer], prefix: String, from input: Shape, source: Source, isBlock: Bool = false
  ) throws {
    var (shape, source) = (input, source)
    for (index, layer) in layers.enumerated() {
      let name = prefix + String(index)
      switch layer {
      case is Flatten: break
      case let residual as Residual:
        try walk(residual.block.layers, prefix: name + ".block.", from: shape, source: source, isBlock: true)
        try walk(residual.shortcutLayers(for: shape), prefix: name + ".shortcut.", from: shape, source: source)
        source = .other
      case let weighted as any WeightedLayer: source = weighted.bias == .present ? .biased(name) : .other
      case is any NormalizationLayer:
        examine(layer, name, shape, behind: source)
        source = .norm(name)
        guard let norm = layer as? BatchNorm else { break }
        let isLast = index == layers.count - 1
        norms.append(
          NormSite(
            layer: norm, name: name, input: shape, hasReLU: !isLast && layers[index + 1] is ReLU,
            endsBlock: isBlock && isLast))
      default: source = .other
      }
      if !(layer is Residual) {
        for parameter in try layer.parameters(for: shape)
        where parameter.role == .weight && parameter.shape.rank == 1 {
          findings.append(decayedScale(name, parameter.name))
        }
      }
      shape = try layer.outputShape(for: shape)
    }
  }

  private mutating func examine(_ layer: any Layer, _ name: String, _ input: Shape, behind source: Source) {
    switch source {
    case .input:
      guard layer is BatchNorm, standardizedChannels == input.featureCount else { return }
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
      // Statistics that are fixed, or not taken feature by feature over the batch, leave the bias its effect.
      guard (layer as? any NormalizationLayer).map({ type(of: $0).cancelsBias }) == true,
        (layer as? BatchNorm)?.frozen != true
      else { return }
      findings.append(
        Finding(
          .biasBeforeNorm, .note, layer: before,
          cause:
            "Its bias moves all values of a feature alike, and the norm \(name) after it subtracts their mean: the bias changes nothing, and its gradient is 0.",
          remedy: "Build the layer with bias automatic or absent; the norm's shift does the same."))
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
  /// What is out of order in the order of the layers, and with batches of `batchSize`, before anything is learned.
  /// - Parameters:
  ///   - batchSize: The examples in a batch of the training that is planned; nil: not judged.
  ///   - weightDecay: The decay of weights of that training; nil: not known.
  /// - Throws: As `outputShape()`.
  public func diagnose(batchSize: Int? = nil, weightDecay: Double? = nil) throws -> [Finding] {
    let structure = try StructureExamination(self, weightDecay: weightDecay)
    return Finding.sorted(
      structure.findings + structure.norms.compactMap { NormExamination.smallBatch($0, batchSize: batchSize, nil) },
      in: self)
  }
}
