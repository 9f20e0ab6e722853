import Evenkeel

/// What every layer made of an example, as the page reads it.
struct ActivationReply: Encodable {
  let mode: NormalizationMode
  /// What the model says of it.
  let outputs: PredictedOutputs
  let layers: [LayerReply]
  /// The channel that was asked for.
  let channel: ChannelReply?

  /// - Throws: `EvenkeelError` with code `usage` if the layer or the channel that is asked for does not exist.
  init(_ model: Model, _ activations: [LayerActivation], _ query: ActivationQuery) throws {
    mode = query.mode
    outputs = PredictedOutputs(model, model.predictions(of: activations))
    layers = activations.map { LayerReply($0) }
    channel = try query.channel.map { layer, index in
      guard let activation = activations.first(where: { $0.path == layer }) else {
        throw EvenkeelError.usage("layer: the model has no layer \"\(layer)\".")
      }
      guard index < activation.channels else {
        throw EvenkeelError.usage(
          "channel: layer \(layer) has the channels 0 to \(activation.channels - 1), got \(index).")
      }
      return ChannelReply(activation, index)
    }
  }
}

/// A prediction with names.
struct PredictedOutputs: Encodable {
  /// Whether the values are probabilities.
  let areProbabilities: Bool
  let names: [String]
  let values: EncodedJSON

  init(_ model: Model, _ predictions: [Double]) {
    let labels = model.output?.classLabels ?? []
    areProbabilities = !labels.isEmpty
    guard labels.count == 2, predictions.count == 1 else {
      names = Self.names(of: model)
      values = EncodedJSON(numbers: predictions)
      return
    }
    // One output is the probability of the second class.
    names = labels
    values = EncodedJSON(numbers: [1 - predictions[0], predictions[0]])
  }

  /// What the outputs are called.
  static func names(of model: Model) -> [String] {
    guard let output = model.output else { return (0..<model.outputCount).map { "output\($0)" } }
    return output.classLabels.isEmpty ? output.targetNames : output.classLabels
  }
}

/// What a layer gives: its channels as small pictures, or as one value each.
struct LayerReply: Encodable {
  let path, kind: String
  /// Of one example.
  let shape: [Int]
  /// How many channels there are; the lists below hold the first of them.
  let channels: Int
  /// The smallest, the largest and the mean value of each channel; of a channel of one value only the mean, which it is.
  let minimum, maximum: EncodedJSON?
  let mean: EncodedJSON
  /// The pictures; nil where a channel has one value.
  let maps: ChannelMaps?
  let norm: NormReply?

  /// The most channels that are shown: as pictures, and as single values.
  static let mostMaps = 64, mostValues = 1024

  init(_ activation: LayerActivation) {
    (path, kind, channels) = (activation.path, activation.kind, activation.channels)
    shape = Array(activation.values.shape.dimensions.dropFirst())
    let shown = min(channels, activation.positions == 1 ? Self.mostValues : Self.mostMaps)
    guard activation.positions > 1 else {
      (minimum, maximum, maps) = (nil, nil, nil)
      mean = EncodedJSON(numbers: activation.values.values.prefix(shown))
      norm = activation.norm.map { NormReply($0, activation, shown: shown) }
      return
    }
    let ranges = ChannelRanges(activation.values.values, channels: channels, shown: shown)
    minimum = EncodedJSON(numbers: ranges.minimum)
    maximum = EncodedJSON(numbers: ranges.maximum)
    mean = EncodedJSON(numbers: ranges.mean)
    maps = ChannelMaps(activation, ranges)
    norm = activation.norm.map { NormReply($0, activation, shown: shown) }
  }
}

/// How a norm got from one to the other.
struct NormReply: Encodable {
  let mode: NormalizationMode
  let epsilon: Double
  /// γ, β, μ and σ² of each channel that is shown.
  let gamma, beta, mean, variance: EncodedJSON
  /// μ and σ² of this example; nil where a channel has one value.
  let own: OwnStatistics?
  /// All channels together: μ ± σ over channels by what the norm keeps, and by this example.
  let running: Spread
  let ownSpread: Spread?
  /// Of all channels together.
  let histogram: HistogramPair

  struct OwnStatistics: Encodable {
    let mean, variance: EncodedJSON
  }

  init(_ norm: NormActivation, _ activation: LayerActivation, shown: Int) {
    let channels = 0..<activation.channels
    (mode, epsilon) = (norm.mode, norm.epsilon)
    gamma = EncodedJSON(numbers: channels.prefix(shown).map { norm.scale?[$0] ?? 1 })
    beta = EncodedJSON(numbers: channels.prefix(shown).map { norm.shift?[$0] ?? 0 })
    mean = EncodedJSON(numbers: norm.running.mean.prefix(shown))
    variance = EncodedJSON(numbers: norm.running.variance.prefix(shown))
    own = norm.own.map { own in
      OwnStatistics(
        mean: EncodedJSON(numbers: channels.prefix(shown).map { Float(own.mean($0)) }),
        variance: EncodedJSON(numbers: channels.prefix(shown).map { Float(own.variance($0)) }))
    }
    running = Spread(norm.running.mean.map { Double($0) }, norm.running.variance.map { Double($0) })
    ownSpread = norm.own.map { own in Spread(channels.map { own.mean($0) }, channels.map { own.variance($0) }) }
    histogram = HistogramPair(before: norm.input.values, after: activation.values.values)
  }
}

/// Mean and deviation.
struct Spread: Encodable {
  let mean, deviation: Double

  /// Of channels with these means and variances, each as large a part of the whole as the others.
  init(_ means: [Double], _ variances: [Double]) {
    let count = Double(max(means.count, 1))
    let mean = means.reduce(0, +) / count
    self.mean = mean
    let between = means.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    deviation = (variances.reduce(0, +) / count + between).squareRoot()
  }
}

/// One channel in full.
struct ChannelReply: Encodable {
  let layer: String
  let index: Int
  /// Every value, position after position: what the layer gives, and, of a norm, what it got.
  let before: EncodedJSON?
  let after: EncodedJSON
  let norm: ChannelNorm?
  let histogram: HistogramPair?

  /// The numbers of y = γ (x − μ) / √(σ² + ε) + β.
  struct ChannelNorm: Encodable {
    let mode: NormalizationMode
    let gamma, beta: Float
    let epsilon: Double
    /// What the norm keeps.
    let mean, variance: Float
    /// Of this example; nil for a channel of one value.
    let ownMean, ownVariance: Float?
  }

  init(_ activation: LayerActivation, _ index: Int) {
    (layer, self.index) = (activation.path, index)
    let values = activation.values(of: index, in: activation.values)
    after = EncodedJSON(numbers: values)
    let input = activation.norm.map { activation.values(of: index, in: $0.input) }
    before = input.map { EncodedJSON(numbers: $0) }
    histogram = input.map { HistogramPair(before: $0, after: values) }
    norm = activation.norm.map { norm in
      ChannelNorm(
        mode: norm.mode, gamma: norm.scale?[index] ?? 1, beta: norm.shift?[index] ?? 0, epsilon: norm.epsilon,
        mean: norm.running.mean[index], variance: norm.running.variance[index],
        ownMean: norm.own.map { Float($0.mean(index)) }, ownVariance: norm.own.map { Float($0.variance(index)) })
    }
  }
}

extension LayerActivation {
  /// The last axis.
  var channels: Int { values.shape.dimensions.last ?? 1 }
  /// Values of one channel.
  var positions: Int { values.values.count / max(channels, 1) }

  /// The values of channel `index` of a tensor of this shape.
  func values(of index: Int, in tensor: Tensor) -> [Float] {
    stride(from: index, to: tensor.values.count, by: channels).map { tensor.values[$0] }
  }
}
