/// What the ranks of a training must have in common, so that they compute the same.
struct RankDescription: RankComparable {
  private let settings: RunSettings
  private let model: ModelComparison
  private let position: Int
  /// The fingerprint of the validation data.
  private let validation: String?

  init(_ model: Model, _ settings: RunSettings, position: Int, validation: String?) throws {
    self.settings = settings
    self.model = try ModelComparison([model])
    self.position = position
    self.validation = validation
  }

  /// A sentence about the first thing in which `other`, that of rank 0, differs; nil if nothing does.
  func difference(from other: Self) -> String? {
    if let sentence = model.programDifference(from: other.model) { return sentence }
    if let (name, own, others) = settings.difference(from: other.settings) {
      return "its \(name) is \(own), that of rank 0 \(others)."
    }
    if let sentence = model.difference(from: other.model) { return sentence }
    if validation != other.validation { return "its validation data differs from that of rank 0." }
    return position == other.position
      ? nil : "it starts after \(position) steps, rank 0 after \(other.position)."
  }
}
