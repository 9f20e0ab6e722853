import Evenkeel

/// Settings of a training, drawn at random.
package struct TuningPoint: Hashable, Sendable {
  /// What is normalized in the hidden layers, as `train --normalization` calls it.
  package enum Norm: String, CaseIterable, Sendable {
    case batch
    case afterActivation = "after-activation"
    case layer, none
  }

  /// What becomes of the numbers of a table.
  package struct Numbers: Hashable, Sendable {
    package let transform: NumericTransform
    package let embedding: TableRecipe.NumberEmbedding
    /// Those of a piecewise linear embedding; the recipe's for others, which use none.
    package let bins: Int
  }

  package let learningRate: Double
  package let weightDecay: Double
  /// One to four layers of the same width.
  package let hidden: [Int]
  package let dropout: Double
  package let batchSize: Int
  package let norm: Norm
  /// nil for data that is no table.
  package let numbers: Numbers?

  /// The point `index` of the sequence of `seed`, whatever points were drawn before.
  /// - Parameter recipe: What points lie around, the first of which is the recipe itself; nil for data that is no table.
  package init(_ index: Int, seed: UInt64, around recipe: TableRecipe?) {
    var random = RandomNumbers(RandomKey(seed: seed).branch(index))
    if let recipe {
      self.init(around: recipe, isRecipe: index == 0, &random)
    } else {
      self.init(&random)
    }
  }

  /// A point for data that is no table.
  ///
  /// The space is that of multilayer perceptrons in "TabM" (Gorishniy et al. 2025, arXiv 2410.24210), with three changes: learning rates
  /// reach higher, as networks here may have norms; widths end at 512, as they run on processors; and batch size and norms are drawn too.
  ///
  /// Uniform in the logarithm are learning rates from 0.0001 to 0.01, weight decays from 0.0001 to 0.1, or none in half of the points,
  /// and widths from 32 to 512 in sixteens. Dropout is up to 0.5, or none in half of the points.
  private init(_ random: inout RandomNumbers) {
    learningRate = rounded(LogarithmicRange(1e-4, 1e-2).value(at: random.uniform()))
    let decay = rounded(LogarithmicRange(1e-4, 0.1).value(at: random.uniform()))
    weightDecay = random.uniform() < 0.5 ? 0 : decay
    let width = Self.width(&random)
    hidden = Array(repeating: width, count: 1 + random.integer(below: 4))
    let share = (100 * random.uniform(0, 0.5)).rounded() / 100
    dropout = random.uniform() < 0.5 ? 0 : share
    batchSize = 32 << random.integer(below: 5)
    norm = Norm.allCases[random.integer(below: Norm.allCases.count)]
    numbers = nil
  }

  private static func width(_ random: inout RandomNumbers) -> Int {
    16 * Int((LogarithmicRange(32, 512).value(at: random.uniform()) / 16).rounded())
  }

  /// A point that keeps each setting of `recipe` with probability ½.
  ///
  /// Where it does not: learning rates from 0.0005 to 0.02 and weight decays from 0.001 to 0.5, uniform in the logarithm, or no decay
  /// in a quarter of these points; widths and depths as for other data; dropout up to 0.5; batches of a half to four times the recipe's
  /// size; each embedding and transform of numbers, 8 to 64 bins, and no norms.
  private init(around recipe: TableRecipe, isRecipe: Bool, _ random: inout RandomNumbers) {
    /// Draws whether or not the value is used, so that settings do not depend on each other.
    func drawn<Value>(
      _ standard: Value, _ random: inout RandomNumbers, _ draw: (inout RandomNumbers) -> Value
    ) -> Value {
      let isKept = random.uniform() < 0.5
      let value = draw(&random)
      return isRecipe || isKept ? standard : value
    }
    learningRate = drawn(recipe.learningRate, &random) {
      rounded(LogarithmicRange(5e-4, 0.02).value(at: $0.uniform()))
    }
    weightDecay = drawn(recipe.weightDecay, &random) {
      let decay = rounded(LogarithmicRange(1e-3, 0.5).value(at: $0.uniform()))
      return $0.uniform() < 0.25 ? 0 : decay
    }
    let width = drawn(recipe.hidden[0], &random, Self.width)
    let depth = drawn(recipe.hidden.count, &random) { 1 + $0.integer(below: 4) }
    hidden = Array(repeating: width, count: depth)
    dropout = drawn(recipe.dropout, &random) { (100 * $0.uniform(0, 0.5)).rounded() / 100 }
    let size = recipe.batchSize
    batchSize = drawn(size, &random) { [max(16, size / 2), 2 * size, 4 * size][$0.integer(below: 3)] }
    norm = drawn(.batch, &random) { _ in .none }
    let transforms = NumericTransform.allCases
    let transform = drawn(recipe.numbers, &random) { transforms[$0.integer(below: transforms.count)] }
    // Where the recipe has none, there are too many numbers for vectors.
    let embeddings = recipe.embedding == .none ? [.none] : TableRecipe.NumberEmbedding.allCases
    let embedding = drawn(recipe.embedding, &random) { embeddings[$0.integer(below: embeddings.count)] }
    let bins = drawn(recipe.bins, &random) { 8 << $0.integer(below: 4) }
    numbers = Numbers(
      transform: transform, embedding: embedding, bins: embedding == .piecewise ? bins : recipe.bins)
  }
}
