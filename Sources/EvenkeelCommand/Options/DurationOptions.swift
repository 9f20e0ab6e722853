import ArgumentParser
import Evenkeel

/// How long a model is trained, and which of its states is kept.
struct DurationOptions: ParsableArguments {
  @Option(
    help:
      "Passes over the training data, including those before --resume; 5 by default, for a table as many as make some thousand steps."
  )
  var epochs: Int?
  @Option(
    help:
      "Epochs without a better validation loss, or --metric, before training stops; the best model is the one that is kept. By default a third of the epochs of a table, and the last epoch of other data is kept, as with 0."
  )
  var patience: Int?
  @Option(
    help:
      "What decides on --validation which epoch's model is the best and kept; by default the loss for a table or with --patience, else the last epoch is kept."
  )
  var metric: Metric?
  @Option(
    help:
      "Keep an average of the weights: ema:0.999 over steps, swa:3 over epochs from 3 on, or none; ema:0.98 for a table, none for other data.",
    transform: AverageChoice.init)
  var average: AverageChoice?
  @Option(
    help: "How often the checkpoint of --output is also written within an epoch: 90s, 10m or 2h.",
    transform: Duration.init(argument:))
  var checkpointEvery: Duration?
}

/// A value of `--average`.
struct AverageChoice {
  /// nil for none.
  let averaging: WeightAveraging?

  init(_ text: String) throws { averaging = text == "none" ? nil : try WeightAveraging(argument: text) }
}

extension Metric: ExpressibleByArgument {}

extension WeightAveraging {
  /// `ema:DECAY` or `swa:EPOCH`.
  /// - Throws: `EvenkeelError` with code `usage` for anything else.
  fileprivate init(argument: String) throws {
    let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
    if parts.count == 2, parts[0] == "ema", let decay = Double(parts[1]) {
      self = .exponential(decay: decay)
    } else if parts.count == 2, parts[0] == "swa", let epoch = Int(parts[1]) {
      self = .uniform(fromEpoch: epoch)
    } else {
      throw EvenkeelError(.usage, "expected ema:DECAY, swa:EPOCH or none, e.g. ema:0.999 or swa:3.")
    }
  }
}

extension Duration {
  /// A number of seconds, minutes or hours.
  /// - Throws: `EvenkeelError` with code `usage` for anything else.
  fileprivate init(argument: String) throws {
    let units = ["s": 1.0, "m": 60, "h": 3600]
    guard let unit = argument.last.flatMap({ units[String($0)] }), let count = Double(argument.dropLast()),
      count > 0, count * unit < 1e9
    else { throw EvenkeelError(.usage, "expected a number of seconds, minutes or hours, as 90s, 10m or 2h.") }
    self = .seconds(count * unit)
  }
}
