import Glibc

/// How a table is trained where nothing else is said: its network and the settings of its training, by the table's size. The
/// choices are those that did best over many tables: Documentation/Tables.md.
public struct TableRecipe: Hashable, Sendable {
  /// How numbers become vectors.
  public enum NumberEmbedding: String, CaseIterable, Sendable { case none, piecewise }

  /// What becomes of numbers before the first layer.
  public var numbers = NumericTransform.quantile
  /// How numbers become vectors.
  public var embedding = NumberEmbedding.piecewise
  /// The most bins of a number.
  public var bins: Int
  /// The length of a number's vector.
  public var embeddingWidth: Int
  /// The networks that are trained apart and averaged.
  public var members: Int
  /// The units of each hidden layer.
  public var hidden: [Int]
  /// The probability of dropping a hidden unit.
  public var dropout = 0.1
  /// The activation of the hidden layers.
  public var activation = ActivationKind.relu
  /// Where the hidden layers have their batch norms.
  public var normalization = NormalizationPlacement.beforeActivation

  public var learningRate = 0.003
  public var batchSize: Int
  public var epochs: Int
  /// As `Trainer.patience`.
  public var patience: Int
  public var averaging: WeightAveraging?

  /// The most networks that can be averaged.
  static let mostMembers = 100
  /// The share of the training rows that is held back for validation.
  public static let validation = 0.15
  /// The most categories that become a feature each.
  public static let mostOneHot = 9

  /// The recipe for `dataset`.
  public init(for dataset: Dataset) {
    let rows = dataset.count
    func env(_ n: String) -> Double? { getenv(n).flatMap { Double(String(cString: $0)) } }
    batchSize = Int(env("EK_BATCH") ?? Double(min(256, max(32, rows / 64 / 32 * 32))))
    let steps = (rows - 1) / batchSize + 1
    let wanted = Int(env("EK_STEPS") ?? 2000)
    epochs = max(5, (wanted - 1) / steps + 1)
    patience = max(10, epochs / 3)
    members = Int(env("EK_MEMBERS") ?? (rows < 5000 ? 8 : rows < 50_000 ? 4 : 1))
    bins = Int(env("EK_BINS") ?? 64)
    embeddingWidth = Int(env("EK_WIDTH") ?? 16)
    let h = Int(env("EK_HIDDEN") ?? 256)
    hidden = Array(repeating: h, count: Int(env("EK_DEPTH") ?? 2))
    if let d = env("EK_DROPOUT") { dropout = d }
    if let d = env("EK_LR") { learningRate = d }
    if let d = env("EK_EMA") { averaging = d > 0 ? .exponential(decay: d) : nil }
  }

  /// The network for `dataset`, a table or other flat rows of numbers.
  /// - Throws: `EvenkeelError` with code `data` if there is not enough memory to look at the features.
  public func network(for dataset: Dataset, outputs: Int) throws -> Network {
    let (kinds, embedded) = (dataset.featureKinds, dataset.encoding?.embeddedFeatures ?? [])
    let varied = try dataset.variedFeatures()
    // An embedding of categories puts the other features first.
    let others = kinds.indices.filter { kinds[$0] != .category }
    let numeric = others.indices.filter { kinds[others[$0]] == .number && varied.contains(others[$0]) }
    var layers: [any Layer] = []
    if !embedded.isEmpty {
      layers.append(
        Embedding(counts: embedded.map(\.entries), width: Self.categoryWidth, features: embedded.map(\.feature)))
    }
    if embedding == .piecewise, !numeric.isEmpty {
      layers.append(PiecewiseLinear(bins: bins, width: embeddingWidth, features: numeric))
    }
    for units in hidden {
      layers.append(Dense(units))
      if normalization == .beforeActivation { layers.append(BatchNorm()) }
      layers.append(activation.layer)
      if normalization == .afterActivation { layers.append(BatchNorm()) }
      if dropout > 0 { layers.append(Dropout(dropout)) }
    }
    layers.append(Dense(outputs, initialization: .normal(0.01)))
    if getenv("EK_LINEAR") != nil, embedded.isEmpty {
      let shortcut = LayerList([Dense(outputs, initialization: .normal(0.01))])
      return Network(input: dataset.shape, layers: [Residual(shortcut: .layers(shortcut), block: LayerList(layers))])
    }
    return Network(input: dataset.shape, layers: layers)
  }

  private static let categoryWidth = 8
}

extension Dataset {
  /// Whether the features are columns of a table.
  public var isTable: Bool { encoding != nil && shape.rank == 1 }

  /// The features with three different values or more.
  fileprivate func variedFeatures() throws -> Set<Int> {
    let sample = try sample(scaling: nil, threads: 1)
    let width = shape.count
    return Set(
      (0..<width).filter { feature in
        var seen: Set<Float> = []
        for row in 0..<sample.count / width where seen.count < 3 { seen.insert(sample.start[row * width + feature]) }
        return seen.count > 2
      })
  }
}
