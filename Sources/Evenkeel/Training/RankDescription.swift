import FoundationEssentials
import Primitives

/// What the ranks of a training must have in common, so that they compute the same.
struct RankDescription: Codable {
  private let version: String
  private let instructions: Int32
  private let settings: RunSettings
  /// Of the network, its parameters and its statistics.
  private let model: String
  private let position: Int

  init(_ model: Model, _ settings: RunSettings, position: Int) throws {
    version = Release.version
    instructions = ek_instruction_set()
    self.settings = settings
    self.position = position
    var hash = Fingerprint()
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    hash.add(String(decoding: try encoder.encode(model.network), as: UTF8.self))
    for value in model.state.parameters.buffer { hash.add(value) }
    for value in model.state.bufferValues.buffer { hash.add(value) }
    self.model = hash.text
  }

  /// A sentence about the first thing in which `other`, that of rank 0, differs; nil if nothing does.
  func difference(from other: Self) -> String? {
    if version != other.version { return "its Evenkeel is \(version), that of rank 0 \(other.version)." }
    if instructions != other.instructions {
      return
        "its processor computes with other instructions than that of rank 0, so the numbers would differ; set ONEDNN_MAX_CPU_ISA to what all have."
    }
    if let (name, own, others) = settings.difference(from: other.settings) {
      return "its \(name) is \(own), that of rank 0 \(others)."
    }
    if model != other.model { return "its model is another than that of rank 0 at the start." }
    return position == other.position
      ? nil : "it starts after \(position) steps, rank 0 after \(other.position)."
  }
}

extension Agreement {
  /// Makes sure that all ranks are about to train the same.
  /// - Throws: On all ranks the same `EvenkeelError`, which names the first rank that would not.
  func require(_ description: RankDescription) throws {
    // One that could not read the data says so here.
    try settle(nil)
    var text = communicator.rank == 0 ? try JSONEncoder().encode(description) : Data()
    var count = Double(text.count)
    count = try communicator.largest(count)
    if communicator.rank > 0 { text = Data(count: Int(count)) }
    try text.withUnsafeMutableBytes { try communicator.broadcast($0, from: 0) }
    let first = try JSONDecoder().decode(RankDescription.self, from: text)
    try settle(description.difference(from: first).map { EvenkeelError.usage($0) })
  }
}
