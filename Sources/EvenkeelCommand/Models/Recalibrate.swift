import ArgumentParser
import Evenkeel

struct Recalibrate: SharedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Replaces MODEL's running statistics with the exact statistics of DATA and reports the change.")
  @Argument(help: "A model file.") var model: String
  @Argument(
    help:
      "As for evaluate, targets not needed, but its training part if it has parts (all of a table). Data of another domain adapts the model to it."
  )
  var data: String
  @Option(help: "The file for the recalibrated model.") var output: String
  @Flag(help: "Use the test part of DATA instead of its training part.") var testPart = false
  @OptionGroup var database: DatabaseOptions
  @OptionGroup var broken: BrokenImageOption
  @OptionGroup var threads: ThreadOption
  @OptionGroup var ranks: RankOptions
  @Flag(help: "Print one JSON object per batch norm.") var json = false

  func run() throws {
    try ranks.join(reading: data, threads: threads.given)
    try requireApart(output, from: [model, data])
    if Ranks.isFirst { try requireOutput(output) }
    var recalibrated = try Model(contentsOf: model)
    let norms = try recalibrated.network.placed().layers.compactMap { placed in
      placed.layer.traits.contains(.runningStatistics) ? placed.layer.norm.map { (placed.path, $0.epsilon) } : nil
    }
    guard !norms.isEmpty else {
      throw EvenkeelError(.usage, "\(model) has no batch norm; there is nothing to recalibrate.")
    }
    let (dataset, warnings) = try Dataset.readForUse(
      data, rows: database.rows(), by: recalibrated, targets: false, training: !testPart,
      skippingBroken: broken.skipBroken)
    warn(warnings)
    try Ranks.require(ModelEnsemble([recalibrated]), on: .whole([dataset], warnings: []))
    let before = recalibrated.runningStatistics
    try recalibrated.recalibrate(on: dataset, threads: Ranks.threads ?? threads.count, among: Ranks.communicator)
    if Ranks.isFirst { try recalibrated.write(to: output) }
    let epsilons = Dictionary(uniqueKeysWithValues: norms)
    for (old, new) in zip(before, recalibrated.runningStatistics) {
      let shift = StatisticsShift(from: old.statistics, to: new.statistics, epsilon: epsilons[old.name]!)
      if json {
        try emitJSON(ShiftLine(batchNorm: old.name, shift))
      } else {
        let number = { NumberText.plain.fixed($0, decimals: 3) }
        try emit(
          "\(old.name): the mean moved by \(number(shift.meanShift)) σ (at most \(number(shift.largestMeanShift))), the variance is \(number(shift.varianceRatio)) times the old (\(number(shift.lowestVarianceRatio)) to \(number(shift.highestVarianceRatio)))"
        )
      }
    }
    if !json { try emit("model: \(output), recalibrated on \(dataset.count) examples") }
  }
}

private struct ShiftLine: Encodable {
  let batchNorm: String
  let meanShift, largestMeanShift, varianceRatio, lowestVarianceRatio, highestVarianceRatio: Double

  init(batchNorm: String, _ shift: StatisticsShift) {
    self.batchNorm = batchNorm
    (meanShift, largestMeanShift) = (shift.meanShift, shift.largestMeanShift)
    varianceRatio = shift.varianceRatio
    (lowestVarianceRatio, highestVarianceRatio) = (shift.lowestVarianceRatio, shift.highestVarianceRatio)
  }
}
