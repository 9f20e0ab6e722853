extension Dataset {
  /// The same examples, each with a weight, or with only its first positions valid.
  ///
  /// An example of weight w counts as w examples do: in the loss, which becomes Σ w l / Σ w over a batch, in the mean
  /// and variance of batch norm, in the input scaling and in every quality. Of a sequence `[L, C]` of length ℓ only the
  /// first ℓ positions exist: the network's output is that of the sequence without the padding after it. An example of
  /// length 0 has no weight. Keras calls these `sample_weight` (which its batch norm ignores, and whose loss it divides
  /// by the number of examples) and `mask`; PyTorch's batch norm knows neither.
  /// - Parameters:
  ///   - weights: One per example, 0 or more; nil for 1 each.
  ///   - lengths: One per example, 0 to L, for examples of shape `[L, C]`; nil if all have L positions.
  /// - Throws: `EvenkeelError` with code `data` for another number of either, a weight that is negative or not finite, weights
  ///   that are all 0, a length out of range.
  public func with(weights: [Float]? = nil, lengths: [Int]? = nil) throws -> Dataset {
    var result = self
    if let weights {
      guard weights.count == count else {
        throw EvenkeelError.data("Expected \(count) weights, one per example, got \(weights.count).")
      }
      if let example = weights.firstIndex(where: { !($0.isFinite && $0 >= 0) }) {
        throw EvenkeelError.data("The weight of example \(example) is \(weights[example]); expected 0 or more.")
      }
      guard weights.isEmpty || weights.contains(where: { $0 > 0 }) else {
        throw EvenkeelError.data("All \(count) weights are 0; expected at least one above 0.")
      }
      result.weights = weights
    }
    if let lengths {
      guard shape.rank == 2 else {
        throw EvenkeelError.data("Lengths go with examples of shape [length, channels], not with \(shape).")
      }
      guard lengths.count == count else {
        throw EvenkeelError.data("Expected \(count) lengths, one per example, got \(lengths.count).")
      }
      let most = shape.dimensions[0]
      if let example = lengths.firstIndex(where: { !(0...most).contains($0) }) {
        throw EvenkeelError.data("The length of example \(example) is \(lengths[example]); expected 0 to \(most).")
      }
      result.lengths = lengths.map { Int32($0) }
    }
    return result
  }

  /// The same examples, each of them whole and counting 1.
  package var withoutWeightsAndLengths: Dataset {
    var result = self
    (result.weights, result.lengths) = (nil, nil)
    return result
  }

  /// - Throws: `EvenkeelError` with code `data` if the examples are not those of a network that takes `input`, `usage` if it takes
  ///   their values, but not as sequences that have lengths.
  func requireFit(_ input: Shape) throws {
    if lengths != nil, shape != input, shape.fits(input) {
      throw EvenkeelError.usage(
        "The examples are sequences of shape \(shape) with lengths of their own, which a network with input \(input) cannot use; expected a network with input \(shape) (--network FILE)."
      )
    }
    guard shape.fits(input) else {
      throw EvenkeelError.data(
        "Expected examples of shape \(input), got \(shape) (\(shape.count) values each).")
    }
  }

  /// The weight of example `index`.
  func weight(_ index: Int) -> Float { lengths?[index] == 0 ? 0 : weights?[index] ?? 1 }

  /// - Throws: `EvenkeelError` with code `data` if no example counts anything, as in a part of another data set.
  func requireWeight() throws {
    guard weights == nil && lengths == nil || (0..<count).contains(where: { weight($0) > 0 }) else {
      throw EvenkeelError.data("None of the \(count) examples has a weight above 0.")
    }
  }
}

/// The weights of a batch's examples and their numbers of valid positions; nil for 1 each and for all.
package struct BatchWeights {
  var weights: UnsafePointer<Float>?
  var lengths: UnsafePointer<Int32>?

  package init(weights: UnsafePointer<Float>? = nil, lengths: UnsafePointer<Int32>? = nil) {
    self.weights = weights
    self.lengths = lengths
  }

  /// Σ w over `rows` examples.
  func total(_ rows: Int) -> Double {
    guard let weights else { return Double(rows) }
    return (0..<rows).reduce(0) { $0 + Double(weights[$1]) }
  }
}

/// The weights and lengths of one batch, in separate memory.
final class ExampleWeightBuffer {
  private let dataset: Dataset
  private let weights: AlignedFloats?
  private let lengths: UnsafeMutablePointer<Int32>?

  /// - Parameter batch: The largest batch that `gather` will be asked for.
  init(_ dataset: Dataset, batch: Int) {
    self.dataset = dataset
    weights = dataset.weights == nil && dataset.lengths == nil ? nil : AlignedFloats(count: batch)
    lengths = dataset.lengths == nil ? nil : .allocate(capacity: batch)
  }

  deinit { lengths?.deallocate() }

  /// The weights of `count` examples, of which `position` gives the place in the data set.
  func gather(_ count: Int, _ position: (Int) -> Int) -> BatchWeights {
    guard let weights else { return BatchWeights() }
    for row in 0..<count {
      weights.start[row] = dataset.weight(position(row))
      if let lengths { lengths[row] = dataset.lengths![position(row)] }
    }
    return BatchWeights(weights: UnsafePointer(weights.start), lengths: lengths.map { UnsafePointer($0) })
  }
}

extension Dataset {
  /// The same with the weights and lengths that `archive` holds in the arrays of these names; nil: none.
  func with(_ archive: NumpyArchive, weights weightName: String?, lengths lengthName: String?) throws -> Dataset {
    var result = self
    if let weightName {
      let array = try archive.array(weightName)
      result = try array.naming { try result.with(weights: array.perExample().map { Float($0) }) }
    }
    guard let lengthName else { return result }
    let array = try archive.array(lengthName)
    return try array.naming {
      try result.with(
        lengths: array.perExample().enumerated().map { example, value in
          guard let length = Int(exactly: value) else {
            throw EvenkeelError.data("The length of example \(example) is \(value); expected a whole number.")
          }
          return length
        })
    }
  }
}

extension NumpyArray {
  /// One number per example.
  fileprivate func perExample() throws -> [Double] {
    guard header.shape.rank <= 2, width == 1 else {
      throw EvenkeelError.data("Expected one number per example, got the shape \(header.shape).")
    }
    return column(0)
  }

  /// The result of `body`; its errors start with the array's name.
  fileprivate func naming(_ body: () throws -> Dataset) throws -> Dataset {
    do { return try body() } catch let error as EvenkeelError {
      throw error.at(name)
    }
  }
}
