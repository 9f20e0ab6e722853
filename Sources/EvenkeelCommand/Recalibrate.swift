import ArgumentParser
import Evenkeel

struct Recalibrate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Replaces MODEL's running statistics by the exact ones of DATA, and says what changed.")
  @Argument(help: "A model file.") var model: String
  @Argument(
    help:
      "As for evaluate, the target not needed, but the training part where it has parts (of a table all of it). Data of another domain adapts the model to it."
  )
  var data: String
  @Option(help: "Where the recalibrated model goes.") var output: String
  @Flag(help: "The test part of DATA in place of its training part.") var testPart = false
  @Option(help: "Threads; all processors by default.") var threads: Int?
  @Flag(help: "One JSON object a batch norm.") var json = false

  func run() throws {
    if let threads, threads < 1 { throw EvenkeelError(.usage, "--threads is \(threads); expected at least 1.") }
    try requireApart(output, from: [model, data])
    try requireOutput(output)
    var recalibrated = try Model(contentsOf: model)
    let norms = try recalibrated.network.placed().layers.compactMap { placed in
      placed.layer.traits.contains(.runningStatistics) ? placed.layer.norm.map { (placed.path, $0.epsilon) } : nil
    }
    guard !norms.isEmpty else {
      throw EvenkeelError(.usage, "\(model) has no batch norm; there is nothing to recalibrate.")
    }
    let (dataset, warnings) = try Dataset.readForUse(data, by: recalibrated, targets: false, training: !testPart)
    for warning in warnings { complain("warning: \(warning)") }
    let before = recalibrated.runningStatistics
    try recalibrated.recalibrate(on: dataset, threads: threads ?? Machine.threads)
    try recalibrated.write(to: output)
    let epsilons = Dictionary(uniqueKeysWithValues: norms)
    for (old, new) in zip(before, recalibrated.runningStatistics) {
      let shift = StatisticsShift(from: old.statistics, to: new.statistics, epsilon: epsilons[old.name]!)
      if json {
        try emit(
          jsonObject([
            ("batchNorm", jsonText(old.name)), ("meanShift", jsonNumber(shift.meanShift)),
            ("largestMeanShift", jsonNumber(shift.largestMeanShift)),
            ("varianceRatio", jsonNumber(shift.varianceRatio)),
            ("lowestVarianceRatio", jsonNumber(shift.lowestVarianceRatio)),
            ("highestVarianceRatio", jsonNumber(shift.highestVarianceRatio)),
          ]))
      } else {
        try emit(
          "\(old.name): the mean moved by \(fixed(shift.meanShift, 3)) σ (at most \(fixed(shift.largestMeanShift, 3))), the variance is \(fixed(shift.varianceRatio, 3)) times the old (\(fixed(shift.lowestVarianceRatio, 3)) to \(fixed(shift.highestVarianceRatio, 3)))"
        )
      }
    }
    if !json { try emit("model: \(output), recalibrated on \(dataset.count) examples") }
  }
}
