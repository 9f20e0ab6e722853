/// How a table is trained where nothing else is said: its network and the settings of its training, by the table's size. The
/// choices are those that did best over many tables; Documentation/Tables.md tells what was tried.
///
/// ```swift
/// let wine = try Dataset.csv(at: "wine.csv", target: "quality", test: 0.2)
/// let recipe = TableRecipe(rows: wine.training.count, features: wine.training.shape.featureCount)
/// let network = try recipe.network(for: wine.training, outputs: 1)
/// ```
public struct TableRecipe: Hashable, Sendable {
  /// How numbers become vectors.
  public enum NumberEmbedding: String, CaseIterable, Sendable {
    /// They stay numbers.
    case none
    /// By `PiecewiseLinear`.
    case piecewise
    /// By `Periodic`.
    case periodic
  }

  /// What becomes of numbers before the first layer.
  public var numbers = NumericTransform.robust
  /// How numbers become vectors.
  public var embedding: NumberEmbedding
  /// The most bins of a number.
  public var bins: Int
  /// The length of a number's vector.
  public var embeddingWidth: Int
  /// The units of each hidden layer.
  public var hidden: [Int]
  /// The activation of the hidden layers.
  public var activation = ActivationKind.relu
  /// Where the hidden layers have their batch norms.
  public var normalization = NormalizationPlacement.beforeActivation
  /// The probability of dropping a hidden unit.
  public var dropout: Double
  /// The networks that are trained apart and averaged.
  public var members: Int

  /// The step size of AdamW, which falls along half a cosine.
  public var learningRate = 0.003
  /// The weight decay of AdamW.
  public var weightDecay: Double
  /// As `Trainer.batchSize`.
  public var batchSize: Int
  /// The most passes over the rows.
  public var epochs: Int
  /// As `Trainer.patience`.
  public var patience: Int
  /// As `Trainer.averaging`.
  public var averaging = WeightAveraging.exponential(decay: 0.98)

  /// The share of the training rows that is held back for validation.
  public static let validation = 0.15
  /// The most categories that become a feature each.
  public static let mostOneHot = 9
  /// The most networks that can be averaged.
  static let mostMembers = 100

  /// The recipe for a table with `rows` training rows and `features` features.
  public init(rows: Int, features: Int) {
    let isSmall = rows < Self.fewRows
    (hidden, dropout, weightDecay) = isSmall ? ([128, 128], 0.3, 0.2) : ([256, 256], 0.1, 0.01)
    bins = isSmall ? 16 : 64
    members = rows < Self.manyRows ? (isSmall ? 8 : 4) : 1
    embeddingWidth = max(2, min(16, Self.embeddedValues / max(features, 1)))
    embedding = features <= Self.embeddedValues / 2 ? .piecewise : .none
    batchSize = rows < 200_000 ? min(256, max(32, rows / 64 / 32 * 32)) : 1024
    let batches = (max(rows, 1) - 1) / batchSize + 1
    epochs = max(5, (Self.steps - 1) / batches + 1)
    patience = max(10, epochs / 3)
  }

  private static let fewRows = 2000, manyRows = 50_000
  private static let steps = 2000
  /// About as many values of all numbers' vectors as pay.
  private static let embeddedValues = 4096

  /// The network for `dataset`, a table or other flat rows of numbers: a linear map of the features, plus hidden layers over the vectors
  /// of its numbers.
  /// - Throws: `EvenkeelError` with code `data` if there is not enough memory to look at the features.
  public func network(for dataset: Dataset, outputs: Int) throws -> Network {
    let (kinds, embedded) = (dataset.featureKinds, dataset.encoding?.embeddedFeatures ?? [])
    let varied = try dataset.variedFeatures()
    // An embedding of categories puts the other features first.
    let others = kinds.indices.filter { kinds[$0] != .category }
    let numeric = others.indices.filter { kinds[others[$0]] == .number && varied.contains(others[$0]) }
    let last = Dense(outputs, initialization: .normal(Self.lastDeviation))
    return Network(input: dataset.shape) {
      if !embedded.isEmpty {
        Embedding(counts: embedded.map(\.entries), width: Self.categoryWidth, features: embedded.map(\.feature))
      }
      Residual(shortcut: .layers(LayerList([last]))) {
        if !numeric.isEmpty {
          switch embedding {
          case .piecewise: PiecewiseLinear(bins: bins, width: embeddingWidth, features: numeric)
          case .periodic: Periodic(width: embeddingWidth, features: numeric)
          case .none: []
          }
        }
        Network.hiddenLayers(hidden, activation: activation, normalization: normalization, dropout: dropout)
        last
      }
    }
  }

  /// The length of a category's vector.
  private static let categoryWidth = 8
  /// Small, so that a table that is nearly linear stays so.
  private static let lastDeviation = 0.01

  /// What is done, in two lines.
  /// - Parameter heldBack: The share of the rows that is held back.
  package func summary(heldBack: Double) -> [String] {
    let units = hidden.map(String.init).joined(separator: ", ")
    let network =
      members == 1 ? "a network of \(units) units" : "\(members) networks of \(units) units each, averaged"
    let vectors =
      switch embedding {
      case .piecewise: ", numbers as vectors of \(embeddingWidth) (piecewise linear, \(bins) bins)"
      case .periodic: ", numbers as vectors of \(embeddingWidth) (periodic)"
      case .none: ""
      }
    let share = NumberText.plain.percent(heldBack, decimals: 0)
    let held = heldBack > 0 ? ", \(share) of the rows held back, the best epoch is kept" : ""
    return [
      "\(network): a linear map and hidden layers\(vectors), \(numbers.rawValue) scaling",
      "at most \(epochs) epochs in batches of \(batchSize)\(held)",
    ]
  }
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
