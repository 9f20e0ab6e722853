import FoundationEssentials
import Primitives

/// What ranks that compute with the same models must have in common, so that their numbers are the same.
struct ModelComparison: RankComparable {
  private let version: String
  private let instructions: Int32
  /// Of the networks, their parameters and their statistics.
  private let models: String

  init(_ models: [Model]) throws {
    version = Release.version
    instructions = ek_instruction_set()
    var hash = Fingerprint()
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    for model in models {
      hash.add(String(decoding: try encoder.encode(model.network), as: UTF8.self))
      for value in model.state.parameters.buffer { hash.add(value) }
      for value in model.state.bufferValues.buffer { hash.add(value) }
    }
    self.models = hash.text
  }

  /// The same, of the program alone.
  func programDifference(from other: Self) -> String? {
    if version != other.version { return "its Evenkeel is \(version), that of rank 0 \(other.version)." }
    return instructions == other.instructions
      ? nil
      : "its processor computes with other instructions than that of rank 0, so the numbers would differ; set ONEDNN_MAX_CPU_ISA to what all have."
  }

  func difference(from other: Self) -> String? {
    programDifference(from: other) ?? (models == other.models ? nil : "its model is another than that of rank 0.")
  }
}

/// What ranks that use a model must have in common.
private struct UseComparison: RankComparable {
  let models: ModelComparison
  let data: String

  func difference(from other: Self) -> String? {
    models.difference(from: other.models) ?? (data == other.data ? nil : "its data differs from that of rank 0.")
  }
}

extension Agreement {
  /// Makes sure that all ranks are about to use the same model on the same data.
  /// - Throws: On all ranks the same `EvenkeelError`, which names the first rank that would not.
  package func require(_ ensemble: ModelEnsemble, on data: DataForUse) throws {
    let text =
      switch data {
      case .parts(let parts): parts.fingerprint
      case .whole(let datasets, _): datasets[0].fingerprint
      }
    try require(UseComparison(models: ModelComparison(ensemble.members), data: text))
  }
}
