import Evenkeel

/// Predictions as lines of CSV, or as rows of a table in a database.
struct PredictionLines: Sendable {
  private let output: OutputDescription?
  /// The number of outputs for an example.
  private let width: Int
  /// The places of the classes whose probabilities are written.
  private let shown: [Int]
  private let threshold: DecisionThreshold?
  /// The names of the columns that come first.
  private let kept: [String]
  /// The names of the classes, and each as a cell of CSV.
  private let labels: [String]
  private let classCells: [[UInt8]]

  /// - Parameters:
  ///   - probabilities: The names of classes, separated by commas, or `none`; nil for all.
  ///   - threshold: From which probability on one of two classes is predicted.
  /// - Throws: `EvenkeelError` with code `usage` for a class that is none, or classes where values are predicted.
  init(_ model: Model, probabilities: String?, threshold: Double?, keeping kept: [String]) throws {
    output = model.output
    width = try model.network.outputShape().count
    self.kept = kept
    let labels = model.output?.classLabels ?? []
    self.labels = labels
    classCells = labels.map { Array(Self.quoted($0).utf8) }
    var named: String?
    if let probabilities {
      guard !labels.isEmpty else {
        throw EvenkeelError(.usage, "--probabilities is for classes; the model predicts values.")
      }
      let isOne = labels.contains(probabilities)
      let names = isOne ? [probabilities] : probabilities == "none" ? [] : probabilities.listed
      shown = try names.map { name in
        guard let place = labels.firstIndex(of: name) else {
          throw EvenkeelError(
            .usage,
            "--probabilities: the model has no class \"\(name)\"; expected \((labels.prefix(20) + ["none"]).alternatives)."
          )
        }
        return place
      }
      if names.count == 1 { named = names[0] }
    } else {
      shown = labels.isEmpty ? [] : Array(labels.indices.suffix(width))
    }
    self.threshold = try threshold.map { try DecisionThreshold($0, of: named, among: labels) }
  }

  /// The names of the columns of predictions.
  private var names: [String] {
    labels.isEmpty
      ? output?.targetNames ?? (0..<width).map { "output\($0)" }
      : ["prediction"] + shown.map { "probability of \(labels[$0])" }
  }

  /// The same as columns of a table; classes are integers there if all their names are.
  var columns: [PredictionTable.Column] {
    let areIntegers = labels.allSatisfy { label in Int64(label).map { String($0) == label } ?? false }
    return names.enumerated().map { place, name in
      let isClass = place == 0 && !labels.isEmpty
      return PredictionTable.Column(name: name, kind: !isClass ? .real : areIntegers ? .integer : .text)
    }
  }

  /// - Parameter hasFiles: Whether each line begins with the file that its example was read from.
  func header(hasFiles: Bool) -> [UInt8] {
    let cells = (hasFiles ? ["file"] : []) + kept + names
    return Array((cells.map(Self.quoted).joined(separator: ",") + "\n").utf8)
  }

  private enum Cell {
    /// The place of a class.
    case label(Int)
    case number(String)
  }

  /// Hands over the cells of the example with these outputs.
  @inline(__always)
  private func forEachCell(_ outputs: UnsafeBufferPointer<Double>, _ body: (Cell) -> Void) {
    guard let output, !labels.isEmpty else {
      for (index, value) in outputs.enumerated() {
        body(.number(self.output?.text(value, output: index) ?? "\(Float(value))"))
      }
      return
    }
    body(.label(output.choice(of: outputs, threshold: threshold)))
    for index in shown { body(.number("\(Float(output.probability(of: index, in: outputs)))")) }
  }

  /// A line for each example.
  /// - Parameters:
  ///   - predictions: `width` numbers an example.
  ///   - kept: The cells that come first, the same number for each example.
  func text(_ predictions: [Double], kept: [String]) -> [UInt8] {
    let rows = predictions.count / width
    let columns = rows == 0 ? 0 : kept.count / rows
    var text: [UInt8] = []
    text.reserveCapacity(24 * (predictions.count + kept.count))
    predictions.withUnsafeBufferPointer { predictions in
      for row in 0..<rows {
        for cell in kept[row * columns..<(row + 1) * columns] {
          text += Self.quoted(cell).utf8
          text.append(UInt8(ascii: ","))
        }
        var isFirst = true
        forEachCell(UnsafeBufferPointer(rebasing: predictions[row * width..<(row + 1) * width])) { cell in
          if !isFirst { text.append(UInt8(ascii: ",")) }
          isFirst = false
          switch cell {
          case .label(let place): text += classCells[place]
          case .number(let number): text += number.utf8
          }
        }
        text.append(UInt8(ascii: "\n"))
      }
    }
    return text
  }

  /// The cells of each example, in the order of `columns`.
  func rows(_ predictions: [Double]) -> [[String]] {
    predictions.withUnsafeBufferPointer { predictions in
      (0..<predictions.count / width).map { row in
        var cells: [String] = []
        forEachCell(UnsafeBufferPointer(rebasing: predictions[row * width..<(row + 1) * width])) { cell in
          switch cell {
          case .label(let place): cells.append(labels[place])
          case .number(let number): cells.append(number)
          }
        }
        return cells
      }
    }
  }

  private static func quoted(_ cell: String) -> String {
    guard cell.utf8.contains(where: { [UInt8(ascii: ","), UInt8(ascii: "\""), 10, 13].contains($0) }) else {
      return cell
    }
    return "\"" + cell.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }
}
