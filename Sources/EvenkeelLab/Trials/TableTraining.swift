import Evenkeel

/// How a network of a table is trained, beside what every trial says: as `train` does it, with AdamW along half a cosine, the best
/// epoch on the examples of evaluation being kept.
package struct TableTraining: Codable, Hashable, Sendable {
  /// What becomes of numbers before the first layer.
  package let numbers: NumericTransform
  /// Which average of the weights is judged.
  package let averaging: WeightAveraging
  /// The most passes over the training examples.
  package let epochs: Int
  /// Epochs without a better one after which training ends.
  package let patience: Int

  /// The training of `recipe`, with so many epochs.
  package init(_ recipe: TableRecipe, epochs: Int) {
    (numbers, averaging, patience) = (recipe.numbers, recipe.averaging, recipe.patience)
    self.epochs = epochs
  }
}
