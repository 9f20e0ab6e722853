/// An NPY file, or an NPZ file, known by their first bytes or their name. An archive of one array is that array.
package enum NumpyFile {
  case array(NumpyArray)
  case archive(NumpyArchive)

  /// Nil for a file of another kind.
  /// - Throws: `EvenkeelError` with code `data` that names file, array, byte or key.
  package init?(_ bytes: FileBytes) throws {
    let name = bytes.name.lowercased()
    let content = bytes.bytes
    if content.starts(with: NumpyHeader.magic) {
      self = .array(try NumpyArray(bytes))
    } else if content.starts(with: [0x50, 0x4b, 3, 4]) || name.hasSuffix(".npz") {
      let archive = try NumpyArchive(bytes)
      self = archive.names.count == 1 ? .array(try archive.array(archive.names[0])) : .archive(archive)
    } else if name.hasSuffix(".npy") {
      self = .array(try NumpyArray(bytes))
    } else {
      return nil
    }
  }

  /// - Parameters:
  ///   - target: The number of a column of an array, from 0; the last one by default.
  ///   - task: What the target of an array is; an archive says so itself.
  package func splits(
    target: String?, task: TableOptions.Task? = nil, validation: Double, test: Double, seed: UInt64
  ) throws -> DatasetSplits {
    switch self {
    case .array(let array):
      let column = try target.map { target in
        guard let column = Int(target) else {
          throw EvenkeelError.usage(
            "\(array.name) has no column \"\(target)\" to predict; expected the number of a column, from 0.")
        }
        return column
      }
      return try array.splits(target: column, task: task, validation: validation, test: test, seed: seed)
    case .archive(let archive):
      guard target == nil else {
        throw EvenkeelError.usage(
          "\(archive.name): a target column is for an array of two axes; in an archive the target is an array of its own."
        )
      }
      return try archive.splits(validation: validation, test: test, seed: seed)
    }
  }

  /// Sentences about what in the file is not read.
  package var warnings: [String] { if case .archive(let archive) = self { archive.warnings } else { [] } }

  /// The examples that a model is used on.
  /// - Parameters:
  ///   - encoding: How columns became features when the model was trained; nil if it was trained on inputs apart from targets.
  ///   - targets: Whether they are needed.
  ///   - weights: Whether they are wanted where the file has them.
  package func examples(
    encoding: TableEncoding?, targets: Bool, weights: Bool = true, training: Bool = false
  ) throws -> Dataset {
    if let encoding, encoding.hasNamedColumns {
      let name =
        switch self {
        case .array(let array): array.name
        case .archive(let archive): archive.name
        }
      throw EvenkeelError.data("\(name): the model was trained on a table of named columns; expected a CSV file.")
    }
    return switch self {
    case .array(let array): try array.examples(encoding: encoding, targets: targets)
    case .archive(let archive): try archive.examples(targets: targets, weights: weights, training: training)
    }
  }
}

extension Dataset {
  /// Reads an NPY or NPZ file of NumPy's.
  ///
  /// An NPY file holds a table: an array `[examples, columns]`, one column of which is the target, a class where its values
  /// are whole numbers and few. An NPZ file holds inputs and targets in arrays of their own, named as Keras, scikit-learn and
  /// others do: `x_train` and `y_train`, `x_test` and `y_test`; `X` and `y`; `train_images` and `train_labels`; `data` and
  /// `target`. Integer targets are classes from 0 on, floats are values. An NPZ file of one array is read as an NPY file.
  ///
  /// ```swift
  /// let digits = try Dataset.numpy(at: "mnist.npz", validation: 0.1)
  /// ```
  /// - Parameters:
  ///   - path: The path of the file.
  ///   - target: The column to predict, from 0; the last one by default.
  ///   - validation: The share of training examples set apart for validation; 0 to take the file's own part, if it has one.
  ///   - test: The share set apart for the test, where the file has no test part.
  ///   - seed: The same seed gives the same parts.
  /// - Throws: `EvenkeelError`: `noInput` if there is no such file, `usage` for an unknown column, `data` that names file,
  ///   array, byte or key for content that is damaged or does not fit.
  public static func numpy(
    at path: String, target: Int? = nil, validation: Double = 0, test: Double = 0, seed: UInt64 = 0
  ) throws -> DatasetSplits {
    let bytes = try FileBytes(path)
    return try bytes.reading {
      guard let file = try NumpyFile(bytes) else {
        throw EvenkeelError.data("\(path): expected an NPY or NPZ file.")
      }
      return try file.splits(target: target.map { String($0) }, validation: validation, test: test, seed: seed)
    }
  }

  /// The parts of this set that `rows` names.
  func parted(_ rows: RowSplit) -> DatasetSplits {
    DatasetSplits(training: subset(rows.training), validation: subset(rows.validation), test: subset(rows.test))
  }
}
