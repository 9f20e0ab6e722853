/// A participant in a comparison.
struct Contender: Hashable {
  /// Its name in tables and figures.
  let name: String
  /// How figures draw it.
  let side: Side

  init(_ name: String, _ side: Side) { (self.name, self.side) = (name, side) }

  static let batchNorm = Contender("batch norm", .with)
  static let withoutNorms = Contender("without", .without)
}

/// The condition under which contenders are compared: a network, a depth, a batch size.
struct Condition: Hashable {
  let name: String

  init(_ name: String) { self.name = name }

  /// If there is no other.
  static let only = Condition("all")
}
