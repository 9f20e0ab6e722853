import Kernels

/// What the norms that keep running statistics normalize with while the layers of a network are watched.
public enum NormalizationMode: String, CaseIterable, Codable, Sendable {
  /// The running statistics, as in prediction.
  case running
  /// The statistics of the given examples, as in training; the running ones where there is one value per channel.
  case own
  /// Nothing: these norms pass on what they get, without γ and β too.
  case none
}

/// What one layer of a network gives for some examples.
public struct LayerActivation: Sendable {
  /// The layer's path in stored files: `0`, `3.block.1`; that of a block for the sum at its end.
  public let path: String
  /// The layer's kind in network files: `dense`, `batchNorm`; `residual` for the sum at the end of a block.
  public let kind: String
  /// Shape `[n, …]`, an example's values as the layer lays them out: features last.
  public let values: Tensor
  /// How it normalized; nil for a layer without running statistics.
  public let norm: NormActivation?
}

/// What a norm with running statistics got, and what it did with it: y = γ (x − μ) / √(σ² + ε) + β, channel by channel.
public struct NormActivation: Sendable {
  /// x, of the same shape as what it gives.
  public let input: Tensor
  /// ε.
  public let epsilon: Double
  /// γ, one per channel; nil if the norm has none, which is as 1.
  public let scale: [Float]?
  /// β, one per channel; nil if the norm has none, which is as 0.
  public let shift: [Float]?
  /// What the norm keeps: the running μ and σ².
  public let running: RunningStatistics
  /// Of x over examples and positions, σ² over their number; nil where a channel has one value, which has no variance.
  public let own: FeatureMoments?
  /// What it normalized with: the mode that was asked for, or `running` in place of `own` where it has no statistics of its own.
  public let mode: NormalizationMode
}

extension Model {
  /// What every layer gives for the rows of `rows`, shape `[n, …]`, raw values before scaling: each layer by itself, in the order in
  /// which they run. The shortcut of a block comes before the block, and their sum after it.
  ///
  /// With `running` the last ones are the outputs of a prediction, to the rounding of floats. A norm with renormalization uses its own
  /// statistics without it. All rows are in memory at once, with what every layer makes of them.
  /// - Parameters:
  ///   - rows: Examples in the network's input shape after the first axis, `[rows, …]`, as they are in the data.
  ///   - mode: What norms with running statistics normalize with. Others always take an example's own.
  /// - Throws: `EvenkeelError` with code `data` for rows of another length, or for values that are not finite.
  public func activations(of rows: Tensor, mode: NormalizationMode = .running) throws -> [LayerActivation] {
    try activations(of: dataset(of: rows), mode: mode)
  }

  /// The same of every example of `dataset`.
  package func activations(of dataset: Dataset, mode: NormalizationMode = .running) throws -> [LayerActivation] {
    try dataset.requireFit(network.input)
    guard !dataset.isEmpty else { throw EvenkeelError.data("There are no examples.") }
    let rows = dataset.count
    let program = try programs.take(rows: rows, fuses: false, threads: Machine.threads)
    defer { programs.give(program) }
    try dataset.gather(0, rows, into: program.input, scaling: scaling, threads: program.threads)
    let parameters = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.values.values) })
    // A sum has the shape of what it adds up.
    var shapes = [network.input] + program.steps.map { _ in network.input }
    return try program.steps.indices.map { index in
      let step = program.steps[index]
      let shape = step.layer?.output ?? shapes[step.input]
      shapes[step.output] = shape
      let norm = try norm(index, of: program, rows: rows, mode, parameters)
      if norm?.mode == NormalizationMode.none {
        program.output(ofStep: index).update(from: program.input(ofStep: index), count: rows * shape.count)
      } else {
        try program.forward(
          Program.Call(rows: rows, state: state, statistics: norm?.mode == .own ? .batch(share: 1) : .running),
          index..<index + 1)
      }
      return LayerActivation(
        path: step.name, kind: step.layer?.kind ?? Residual.kind,
        values: Tensor(copying: program.output(ofStep: index), rows: rows, shape), norm: norm)
    }
  }

  /// What the norm that is step `index` is about to do; nil for another step.
  private func norm(
    _ index: Int, of program: Program, rows: Int, _ mode: NormalizationMode, _ parameters: [String: [Float]]
  ) throws -> NormActivation? {
    guard let layer = program.steps[index].layer, let running = state.runningStatistics(of: layer) else { return nil }
    let input = program.input(ofStep: index)
    var own: FeatureMoments?
    if rows * layer.positions > 1 {
      let features = layer.input.featureCount
      var moments = FeatureMoments(features: features)
      let bad = moments.merge(
        input, rows: rows * layer.positions,
        BatchStatisticsStorage(features: features, rows: rows * layer.positions), threads: 1)
      guard bad < 0 else {
        throw EvenkeelError.data(NormFailure.notFinite(feature: bad).error(layer.path, layer.kind).message + ".")
      }
      own = moments
    }
    return NormActivation(
      input: Tensor(copying: input, rows: rows, layer.input), epsilon: layer.layer.norm?.epsilon ?? 0,
      scale: parameters[layer.path + ".weight"], shift: parameters[layer.path + ".bias"], running: running, own: own,
      mode: mode == .own && own == nil ? .running : mode)
  }

  /// What the last of some activations means: for each example probabilities of the classes, or values in the target's units.
  /// - Returns: As `predictInDouble`; plain outputs before training.
  package func predictions(of activations: [LayerActivation]) -> [Double] {
    guard var outputs = activations.last?.values else { return [] }
    let (rows, width) = (outputs.rowCount, outputCount)
    return outputs.values.withUnsafeMutableBufferPointer { buffer in
      finish(buffer.baseAddress!, rows: rows)
      guard let output else { return buffer.prefix(rows * width).map { Double($0) } }
      return [Double](unsafeUninitializedCapacity: rows * width) { result, count in
        output.interpret(buffer.baseAddress!, rows: rows, width: width, into: result.baseAddress!)
        count = rows * width
      }
    }
  }
}

extension Tensor {
  /// `rows` examples of shape `shape`.
  fileprivate init(copying values: UnsafePointer<Float>, rows: Int, _ shape: Shape) {
    self.init(
      Array(UnsafeBufferPointer(start: values, count: rows * shape.count)), shape: Shape([rows] + shape.dimensions))
  }
}
