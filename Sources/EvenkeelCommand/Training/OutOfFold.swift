import Evenkeel

/// What models predict of the rows that they were not trained on.
struct OutOfFold {
  /// All rows, by their targets and weights.
  let rows: Dataset
  /// The number of each row in its table, from 0; nil where that is its place.
  private let numbers: [Int]?
  /// Over the repeats, `width` values a row.
  private var sums: [Double] = []
  /// By repeat: in which fold each row was left out.
  private var folds: [[Int]] = []

  init(_ whole: DatasetSplits) {
    (rows, numbers) = (whole.training.withoutFeatures, whole.trainingRows)
  }

  /// Adds what the model of `fold` predicts of the rows that it left out.
  mutating func add(_ predictions: [Double], of left: [Int], in fold: Fold) {
    let width = predictions.count / left.count
    if sums.isEmpty { sums = [Double](repeating: 0, count: width * rows.count) }
    if folds.count < fold.round { folds.append([Int](repeating: 0, count: rows.count)) }
    for (place, row) in left.enumerated() {
      folds[fold.round - 1][row] = fold.number
      for index in 0..<width { sums[row * width + index] += predictions[place * width + index] }
    }
  }

  /// What is predicted of each row; with repeats the mean.
  var predictions: [Double] { sums.map { $0 / Double(folds.count) } }

  /// A line of CSV for each row: its number from 0, its fold in each repeat, its target, and what is predicted.
  func text(_ output: OutputDescription) throws -> [UInt8] {
    var names = ["row"] + (folds.count == 1 ? ["fold"] : (1...folds.count).map { "fold \($0)" })
    let targets: (Int) -> [String]
    switch rows.targets {
    case .none: targets = { _ in [] }
    case .classes(let classes, let labels):
      names.append("target")
      targets = { [labels[Int(classes[$0])]] }
    case .values(let values, let columns):
      names += columns.count == 1 ? ["target"] : columns.map { "target \($0)" }
      targets = { row in columns.indices.map { "\(values[row * columns.count + $0])" } }
    }
    let width = sums.count / rows.count
    try Machine.requireMemory(
      (32 * width + 64) * rows.count, for: "The text of \(rows.count) predictions")
    let lines = try PredictionLines(output, width: width, keeping: names)
    let kept = (0..<rows.count).flatMap { row in
      ["\(numbers?[row] ?? row)"] + folds.map { "\($0[row])" } + targets(row)
    }
    return lines.header(hasFiles: false) + lines.text(predictions, kept: kept)
  }
}
