import ArgumentParser
import Evenkeel

extension NumericTransform: ExpressibleByArgument {}
extension TableRecipe.NumberEmbedding: ExpressibleByArgument {}

/// What is special about the network of a table.
struct TableNetworkOptions: ParsableArguments {
  @Option(help: "What becomes of the numbers of a table before the first layer.") var numeric: NumericTransform?
  @Option(help: "How the numbers of a table become vectors.") var embedding: TableRecipe.NumberEmbedding?
  @Option(help: "The most bins of a number that becomes a vector.") var bins: Int?
  @Option(help: "The length of a number's vector.") var embeddingWidth: Int?
  @Option(
    help:
      "Networks of a table that are trained apart, each with another part held back, and averaged; 1, 4 or 8 by its rows."
  ) var members: Int?
  @Option(help: "The probability of dropping a unit of a hidden layer.") var dropout: Double?

  /// `recipe` with what the options say.
  func applied(to recipe: TableRecipe) -> TableRecipe {
    var recipe = recipe
    if let numeric { recipe.numbers = numeric }
    if let embedding { recipe.embedding = embedding }
    if let bins { recipe.bins = bins }
    if let embeddingWidth { recipe.embeddingWidth = embeddingWidth }
    if let members { recipe.members = members }
    if let dropout { recipe.dropout = dropout }
    return recipe
  }
}
