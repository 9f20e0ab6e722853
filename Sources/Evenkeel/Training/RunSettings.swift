import FoundationEssentials

/// The settings that a resumed run must share with the run that it continues.
struct RunSettings: Codable, Sendable {
  private enum Key: String, CaseIterable, Codable, CodingKeyRepresentable {
    case loss, optimizer, schedule, batchSize, clippingNorm, seed, augmentation, accumulation, normFreezing,
      weightAveraging, precision, metric, classWeights, examples, data

    /// Its name in messages.
    var name: String {
      switch self {
      case .batchSize: "batch size"
      case .clippingNorm: "clipping norm"
      case .normFreezing: "freezing of norms"
      case .weightAveraging: "weight averaging"
      case .classWeights: "class weight"
      case .examples: "number of training examples"
      case .data: "training data"
      default: rawValue
      }
    }
  }

  /// One setting: the value to compare, and its text in messages.
  private struct Setting: Codable, Sendable {
    let value: String
    let text: String
  }

  private var settings: [Key: Setting] = [:]
  /// How the examples are ordered, which a resumed run takes over.
  let blocks: ExampleBlocks?

  /// - Parameters:
  ///   - fingerprint: The fingerprint of the training data.
  ///   - blocks: As in `Dataset`.
  init(_ trainer: Trainer, examples: Int, fingerprint: String, blocks: ExampleBlocks?) {
    self.blocks = blocks
    set(.loss, trainer.loss, "\(trainer.loss.kind)")
    set(.optimizer, trainer.optimizer, trainer.optimizer.summary)
    set(
      .schedule, trainer.schedule, "\(trainer.schedule.kind) after \(trainer.schedule.warmUp) steps of warm-up")
    set(.batchSize, trainer.batchSize, "\(trainer.batchSize)")
    set(.clippingNorm, trainer.clippingNorm, trainer.clippingNorm.map { "\($0)" } ?? "none")
    set(.seed, trainer.seed, "\(trainer.seed)")
    let augmentation = trainer.augmentation.map(\.description).joined(separator: ",")
    set(.augmentation, trainer.augmentation, augmentation.isEmpty ? "none" : augmentation)
    let isInParts = trainer.accumulating > 1
    set(
      .accumulation, isInParts ? "\(trainer.accumulating) \(trainer.statistics.rawValue)" : "1",
      isInParts ? "\(trainer.accumulating) parts with \(trainer.statistics) statistics" : "none")
    set(.normFreezing, trainer.freezing, trainer.freezing?.summary ?? "none")
    set(.weightAveraging, trainer.averaging, trainer.averaging?.summary ?? "none")
    set(.precision, trainer.precision, trainer.precision.rawValue)
    set(.metric, trainer.metric?.rawValue ?? "none", trainer.metric?.rawValue ?? "none")
    set(.classWeights, trainer.classWeights?.summary ?? "none", trainer.classWeights?.summary ?? "none")
    set(.examples, examples, "\(examples)")
    set(.data, fingerprint, "of fingerprint \(fingerprint)")
  }

  /// What runs had that came before these settings.
  private static let earlier = [Key.metric, .classWeights].reduce(into: [:]) {
    $0[$1] = Setting(value: "\"none\"", text: "none")
  }

  private mutating func set(_ key: Key, _ value: some Encodable, _ text: String) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    // Values that are not finite were rejected before; a custom layer is not among the settings.
    let json = (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) }
    settings[key] = Setting(value: json ?? text, text: text)
  }

  /// - Throws: `EvenkeelError` with code `usage` that names the first setting that differs from the checkpoint's.
  func requireSame(as checkpoint: RunSettings) throws {
    guard let (name, now, before) = difference(from: checkpoint) else { return }
    throw EvenkeelError.usage("The checkpoint is from a run whose \(name) is \(before); this run's is \(now).")
  }

  /// The first setting that differs: its name, its text here and in `other`; nil if none does.
  func difference(from other: RunSettings) -> (name: String, own: String, others: String)? {
    for key in Key.allCases {
      guard let before = other.settings[key] ?? Self.earlier[key], let now = settings[key], before.value != now.value
      else { continue }
      return (key.name, now.text, before.text)
    }
    return nil
  }
}
