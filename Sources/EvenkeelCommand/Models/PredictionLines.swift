import Evenkeel

/// Predictions as lines of CSV.
struct PredictionLines: Sendable {
  private let output: OutputDescription?
  /// The number of outputs for an example.
  private let width: Int
  /// The places of the classes whose probabilities are written.
  private let shown: [Int]
  private let threshold: DecisionThreshold?
  /// The names of the columns that come first.
  private let kept: [String]
  /// Each class as a cell.
  private let classCells: [[UInt8]]

  /// - Parameters:
  ///   - output: What is predicted; nil for a model before training.
  ///   - width: The number of values that are predicted for an example.
  ///   - probabilities: The names of classes, separated by commas, or `none`; nil for all.
  ///   - threshold: From which probability on one of two classes is predicted.
  /// - Throws: `EvenkeelError` with code `usage` for a class that is none, or classes where values are predicted.
  init(
    _ output: OutputDescription?, width: Int, probabilities: String? = nil,
    threshold: Double? = nil,
    keeping kept: [String]
  ) throws {
    (self.output, self.width, self.kept) = (output, width, kept)
    let labels = output?.classLabels ?? []
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

  /// - Parameter hasFiles: Whether each line begins with the file that its example was read from.
  func header(hasFiles: Bool) -> [UInt8] {
    let labels = output?.classLabels ?? []
    let names =
      labels.isEmpty
      ? output?.targetNames ?? (0..<width).map { "output\($0)" }
      : ["prediction"] + shown.map { "probability of \(labels[$0])" }
    let cells = (hasFiles ? ["file"] : []) + kept + names
    return Array((cells.map(Self.quoted).joined(separator: ",") + "\n").utf8)
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
        let outputs = UnsafeBufferPointer(rebasing: predictions[row * width..<(row + 1) * width])
        for cell in kept[row * columns..<(row + 1) * columns] {
          text += Self.quoted(cell).utf8
          text.append(UInt8(ascii: ","))
        }
        if let output, !classCells.isEmpty {
          text += classCells[output.choice(of: outputs, threshold: threshold)]
          for index in shown {
            text.append(UInt8(ascii: ","))
            text += "\(Float(output.probability(of: index, in: outputs)))".utf8
          }
        } else {
          for (index, value) in outputs.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            text += (output?.text(value, output: index) ?? "\(Float(value))").utf8
          }
        }
        text.append(UInt8(ascii: "\n"))
      }
    }
    return text
  }

  private static func quoted(_ cell: String) -> String {
    guard cell.utf8.contains(where: { [UInt8(ascii: ","), UInt8(ascii: "\""), 10, 13].contains($0) }) else {
      return cell
    }
    return "\"" + cell.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }
}
