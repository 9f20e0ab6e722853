import ArgumentParser
import Evenkeel

extension NumericTransform: ExpressibleByArgument {}
extension TableRecipe.NumberEmbedding: ExpressibleByArgument {}

/// What is special about the network of a table.
struct TableNetworkOptions: ParsableArguments {
  @Option(help: "What becomes of the numbers of a table before the first layer; robust by default.")
  var numeric: NumericTransform?
  @Option(help: "How the numbers of a table become vectors; piecewise by default.") var embedding:
    TableRecipe.NumberEmbedding?
  @Option(help: "The most bins of a number that becomes a vector; 16 or 64 by the number of rows.") var bins: Int?
  @Option(help: "The length of a number's vector; 16 by default, less where there are many numbers.")
  var embeddingWidth: Int?
  @Option(
    help:
      "Networks of a table that are trained apart, each with other rows held back, and averaged; 8, 4 or 1 by the number of rows."
  )
  var members: Int?

  /// What was given of the network; nil if nothing.
  var givenOfNetwork: String? {
    embedding != nil ? "--embedding" : bins != nil ? "--bins" : embeddingWidth != nil ? "--embedding-width" : nil
  }

  /// What was given; nil if nothing.
  var given: String? { numeric != nil ? "--numeric" : members != nil ? "--members" : givenOfNetwork }

  /// - Throws: `EvenkeelError` with code `usage` for a number out of range.
  func requireRange() throws {
    for (name, value) in [("--bins", bins), ("--embedding-width", embeddingWidth), ("--members", members)] {
      guard let value, value < 1 else { continue }
      throw EvenkeelError(.usage, "\(name) is \(value); expected at least 1.")
    }
  }

  /// `recipe` with what the options say.
  func applied(to recipe: TableRecipe) -> TableRecipe {
    var recipe = recipe
    if let numeric { recipe.numbers = numeric }
    if let embedding { recipe.embedding = embedding }
    if let bins { recipe.bins = bins }
    if let embeddingWidth { recipe.embeddingWidth = embeddingWidth }
    if let members { recipe.members = members }
    return recipe
  }
}
