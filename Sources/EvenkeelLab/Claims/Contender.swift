/// Who takes part in a comparison.
struct Contender: Hashable {
  /// What tables and figures call it.
  let name: String
  /// How figures draw it.
  let side: Side

  init(_ name: String, _ side: Side) { (self.name, self.side) = (name, side) }

  static let batchNorm = Contender("batch norm", .with)
  static let withoutNorms = Contender("without", .without)
}

/// Under what contenders meet: on a network, at a depth, with a batch size.
struct Condition: Hashable {
  let name: String

  init(_ name: String) { self.name = name }

  /// Where there is no other.
  static let only = Condition("all")
}
