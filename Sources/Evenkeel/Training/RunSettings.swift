import FoundationEssentials

/// The settings that a resumed run must have in common with the one that it goes on from.
struct RunSettings: Codable, Sendable {
  private enum Key: String, CaseIterable, Codable, CodingKeyRepresentable {
    case loss, optimizer, schedule, batchSize, clippingNorm, seed, augmentation, accumulation, normFreezing,
      weightAveraging, precision, examples, data

    /// What a message calls it.
    var name: String {
      switch self {
      case .batchSize: "batch size"
      case .clippingNorm: "clipping norm"
      case .normFreezing: "freezing of norms"
      case .weightAveraging: "weight averaging"
      case .examples: "number of training examples"
      case .data: "training data"
      default: rawValue
      }
    }
  }

  /// One setting: what it is compared by, and how a message shows it.
  private struct Setting: Codable, Sendable {
    let value: String
    let text: String
  }

  private var settings: [Key: Setting] = [:]

  /// - Parameter fingerprint: That of the training data.
  init(_ trainer: Trainer, examples: Int, fingerprint: String) {
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
    set(.examples, examples, "\(examples)")
    set(.data, fingerprint, "of fingerprint \(fingerprint)")
  }

  private mutating func set(_ key: Key, _ value: some Encodable, _ text: String) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    // Numbers that are not finite have been refused; a layer of the user's own is not among the settings.
    let json = (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) }
    settings[key] = Setting(value: json ?? text, text: text)
  }

  /// - Throws: `EvenkeelError` with code `usage` that names the first setting that differs from that of `checkpoint`.
  func requireSame(as checkpoint: RunSettings) throws {
    for key in Key.allCases {
      guard let before = checkpoint.settings[key], let now = settings[key], before.value != now.value else { continue }
      throw EvenkeelError.usage(
        "The checkpoint is from a run whose \(key.name) is \(before.text); this run's is \(now.text).")
    }
  }
}
