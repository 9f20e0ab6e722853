/// An array of two axes as a table: examples and columns, one of them the target.
extension NumpyArray {
  /// - Throws: `EvenkeelError`: `usage` for an unknown target, `data` for an array of other than two axes.
  func splits(
    target: Int?, task: TableOptions.Task? = nil, validation: Double, test: Double, seed: UInt64
  ) throws -> DatasetSplits {
    guard header.shape.rank == 2 else {
      throw EvenkeelError.data(
        "\(name): expected an array of two axes, examples and columns, one of them the target, got the shape \(header.shape); inputs with more axes belong in an NPZ file, with their targets, as x and y."
      )
    }
    guard width > 1 else { throw EvenkeelError.data("\(name): it has no column besides the target.") }
    let target = target ?? width - 1
    guard (0..<width).contains(target) else {
      throw EvenkeelError.usage("\(name) has no column \(target) to predict; expected 0 to \(width - 1).")
    }
    let values = try finiteTargets(column(target))
    let kind = TargetKind(counts: values.reduce(into: [:]) { $0[$1, default: 0] += 1 }, task: task)
    let encoding = TableEncoding(columns: width, target: target, classLabels: kind.labels)
    let whole = Dataset(
      shape: [width - 1], examples: try examples(skipping: target),
      targets: try targets(values, encoding: encoding), encoding: encoding)
    var splits = whole.parted(
      RowSplit(count: count, targets: whole.targets, validation: validation, test: test, seed: seed))
    splits.targetReason = kind.reason
    return splits
  }

  /// The examples that a model is used on: with the target column, or for predictions without it.
  func examples(encoding: TableEncoding?, targets isEvaluated: Bool) throws -> Dataset {
    guard let encoding, let target = encoding.targetColumn else {
      guard !isEvaluated else {
        throw EvenkeelError.data(
          "\(name): there are no targets; the model was trained on separate inputs and targets; expected an NPZ file with both."
        )
      }
      return Dataset(shape: exampleShape, examples: try examples(), targets: .none)
    }
    let featureCount = encoding.columns.count
    if header.shape.rank == 2, width == featureCount + 1 {
      return Dataset(
        shape: [featureCount], examples: try examples(skipping: target),
        targets: isEvaluated ? try self.targets(finiteTargets(column(target)), encoding: encoding) : .none,
        encoding: encoding)
    }
    guard !isEvaluated, width == featureCount else {
      throw EvenkeelError.data(
        "\(name): expected \(featureCount + 1) columns, the target in column \(target)\(isEvaluated ? "" : ", or \(featureCount) without it"), got the shape \(header.shape)."
      )
    }
    return Dataset(shape: [featureCount], examples: try examples(), targets: .none, encoding: encoding)
  }

  private func targets(_ values: [Double], encoding: TableEncoding) throws -> Targets {
    guard !encoding.classLabels.isEmpty else {
      return .values(values, names: ["column \(encoding.targetName)"])
    }
    let known = Dictionary(
      encoding.classLabels.enumerated().compactMap { index, label in Double(label).map { ($0, Int32(index)) } },
      uniquingKeysWith: { first, _ in first })
    // Classes that training never saw come after those that the model knows.
    let others = Set(values.filter { known[$0] == nil }).sorted()
    let places = known.merging(others.enumerated().map { ($1, Int32(known.count + $0)) }) { first, _ in first }
    return .classes(values.map { places[$0]! }, labels: encoding.classLabels + others.map { TableEncoding.label($0) })
  }

  /// Target values, example after example.
  /// - Throws: `EvenkeelError` with code `data` that names the example of one that is NaN or infinite.
  func finiteTargets(_ values: [Double]) throws -> [Double] {
    guard let position = values.firstIndex(where: { !$0.isFinite }) else { return values }
    throw EvenkeelError.data(
      "\(name): the target of example \(position / (values.count / count)) is \(values[position]); expected a finite number."
    )
  }
}
