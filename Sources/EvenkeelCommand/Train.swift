import ArgumentParser
import Evenkeel
import Glibc

/// SIGINT and SIGTERM, held back while a step runs and looked for between steps: no handler ever runs on a thread that
/// computes.
private struct StopSignals {
  private var set = sigset_t()

  init() {
    sigemptyset(&set)
    sigaddset(&set, SIGINT)
    sigaddset(&set, SIGTERM)
    pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// Whether one of them has come.
  func haveCome() -> Bool {
    var none = timespec(tv_sec: 0, tv_nsec: 0)
    return withUnsafePointer(to: set) { sigtimedwait($0, nil, &none) > 0 }
  }

  func release() { _ = withUnsafePointer(to: set) { pthread_sigmask(SIG_UNBLOCK, $0, nil) } }
}

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Trains a model on DATA and stores it.")

  @Argument(help: "digits (drawn by the program), a CSV file, or a folder of IDX files.") var data: String
  @Option(help: "The CSV column to predict; the last one by default.") var target: String?
  @Option(help: "A network file (YAML).") var network: String?
  @Option(help: "The units of each hidden layer, as in 256,256.") var hidden = "256,256"
  @Option(help: "The hidden layers' activation: relu, leakyRelu, elu, gelu, silu, sigmoid, tanh or softplus.")
  var activation = "relu"
  @Option(help: "batch or none.") var normalization = "batch"
  @Option(help: "adam, adamw, sgd, momentum, nesterov or rmsprop.") var optimizer = "adam"
  @Option(help: "The step size.") var learningRate = 0.001
  @Option(help: "constant, step, exponential, cosine or one-cycle.") var schedule = "constant"
  @Option(help: "Steps of warm-up.") var warmUp = 0
  @Option(help: "Decay of weights; never of biases, scales and shifts.") var weightDecay = 0.0
  @Option(help: "Greatest norm of the gradient.") var clip: Double?
  @Option(help: "Epochs without a better validation loss before training stops.") var patience: Int?
  @Option(help: "Examples in a mini-batch.") var batchSize = 128
  @Option(help: "Passes over the training data.") var epochs = 5
  @Option(help: "The share of the training data that is held back for validation.") var validation = 0.0
  @Option(help: "Seed of start, order and dropout.") var seed: UInt64 = 0
  @Option(help: "Threads; all processors by default.") var threads: Int?
  @Option(help: "Where the model goes.") var output: String?
  @Option(help: "A checkpoint to go on from.") var resume: String?
  @Flag(help: "One JSON object a line.") var json = false
  @Flag(help: "No progress.") var quiet = false

  func run() throws {
    guard epochs > 0 else { throw EvenkeelError(.usage, "--epochs is \(epochs); expected at least 1.") }
    guard batchSize > 0 else { throw EvenkeelError(.usage, "--batch-size is \(batchSize); expected at least 1.") }
    guard (0..<1).contains(validation) else {
      throw EvenkeelError(.usage, "--validation is \(validation); expected 0 or more and less than 1.")
    }
    if let output { try Model.requireWritable(output) }
    let splits = try Dataset.read(data, target: target, validation: validation, seed: seed)
    for warning in splits.warnings { complain("warning: \(warning)") }
    let isRegression = if case .values = splits.training.targets { true } else { false }
    let trainer = Trainer(
      loss: isRegression ? .meanSquaredError : .softmaxCrossEntropy, optimizer: try chosenOptimizer(),
      batchSize: batchSize, schedule: try chosenSchedule(), clippingNorm: clip, patience: patience, seed: seed,
      threads: threads ?? Machine.threads)
    var checkpoint: Checkpoint?
    var model: Model
    if let resume {
      let stored = try Checkpoint(contentsOf: resume)
      model = stored.model
      checkpoint = stored
    } else {
      model = try Model(try chosenNetwork(splits.training), seed: seed)
    }
    let stopSignals = StopSignals()
    defer { stopSignals.release() }
    let checkpointPath = output.map { path in
      (path.hasSuffix(".safetensors") ? String(path.dropLast(12)) : path) + ".checkpoint.safetensors"
    }
    var progress = Progress(epochs: epochs, enabled: !quiet && isatty(2) == 1)
    do {
      try trainer.fit(
        &model, to: splits.training, validation: splits.validation, epochs: epochs, resuming: checkpoint,
        shouldStop: { stopSignals.haveCome() }
      ) { event in
        switch event {
        case .step(let epoch, let batch, let batches, let loss, let accuracy, let examples):
          progress.show(epoch, batch, batches, loss, accuracy, examples)
        case .epoch(let record, let checkpoint):
          progress.clear()
          if let checkpointPath {
            try checkpoint.write(to: checkpointPath)
          }
          report(record)
        }
      }
    } catch let error as EvenkeelError where error.code == .interrupted {
      progress.clear()
      throw EvenkeelError(
        .interrupted,
        error.message
          + (checkpointPath.map { " Go on with --resume \($0)." } ?? " No --output was given, so nothing was saved."))
    }
    let test = splits.test.isEmpty ? nil : try model.evaluate(splits.test)
    if let output { try model.write(to: output) }
    if json {
      print(
        jsonObject([
          ("event", "\"finished\""), ("testLoss", jsonNumber(test?.loss)), ("testAccuracy", jsonNumber(test?.accuracy)),
          ("testRMSE", jsonNumber(test?.rootMeanSquaredError)), ("model", output.map(jsonText)),
        ]))
    } else {
      if let test { print("test: \(describe(test))") }
      if let output { print("model: \(output)") }
    }
  }

  private func chosenNetwork(_ dataset: Dataset) throws -> Network {
    if let network { return try Network(contentsOf: network) }
    let units = hidden.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard units.allSatisfy({ ($0 ?? 0) > 0 }) else {
      throw EvenkeelError(.usage, "--hidden is \"\(hidden)\"; expected numbers above 0, as in 256,256.")
    }
    guard ["batch", "none"].contains(normalization) else {
      throw EvenkeelError(.usage, "--normalization is \"\(normalization)\"; expected batch or none.")
    }
    return try Network.multilayer(
      input: dataset.shape.count, hidden: units.map { $0! }, outputs: dataset.outputCount, activation: activation,
      normalized: normalization == "batch")
  }

  private func chosenOptimizer() throws -> Optimizer {
    switch optimizer {
    case "adam": .adam(learningRate: learningRate, weightDecay: weightDecay)
    case "adamw": .adamW(learningRate: learningRate, weightDecay: weightDecay)
    case "sgd": .gradientDescent(learningRate: learningRate, weightDecay: weightDecay)
    case "momentum": .momentum(learningRate: learningRate, weightDecay: weightDecay)
    case "nesterov": .nesterov(learningRate: learningRate, weightDecay: weightDecay)
    case "rmsprop": .rmsProp(learningRate: learningRate, weightDecay: weightDecay)
    default:
      throw EvenkeelError(
        .usage, "--optimizer is \"\(optimizer)\"; expected adam, adamw, sgd, momentum, nesterov or rmsprop.")
    }
  }

  private func chosenSchedule() throws -> Schedule {
    switch schedule {
    case "constant": .constant(warmUp: warmUp)
    case "step": .step(every: max(1, epochs / 3), warmUp: warmUp)
    case "exponential": .exponential(factor: 0.9, warmUp: warmUp)
    case "cosine": .cosine(warmUp: warmUp)
    case "one-cycle": .oneCycle(warmUp: warmUp)
    default:
      throw EvenkeelError(
        .usage, "--schedule is \"\(schedule)\"; expected constant, step, exponential, cosine or one-cycle.")
    }
  }

  private func report(_ record: EpochRecord) {
    if json {
      print(
        jsonObject([
          ("event", "\"epoch\""), ("epoch", "\(record.epoch)"), ("trainLoss", jsonNumber(record.trainLoss)),
          ("trainAccuracy", jsonNumber(record.trainAccuracy)), ("trainRMSE", jsonNumber(record.trainRMSE)),
          ("validationLoss", jsonNumber(record.validationLoss)),
          ("validationAccuracy", jsonNumber(record.validationAccuracy)),
          ("validationRMSE", jsonNumber(record.validationRMSE)), ("seconds", jsonNumber(record.seconds)),
        ]))
      fflush(nil)
    } else if !quiet {
      var line = "epoch \(record.epoch)/\(epochs)  loss \(fixed(record.trainLoss, 4))"
      if let accuracy = record.trainAccuracy { line += "  accuracy \(fixed(100 * accuracy, 2)) %" }
      if let error = record.trainRMSE { line += "  RMSE \(fixed(error, 4))" }
      if let loss = record.validationLoss { line += "  validation loss \(fixed(loss, 4))" }
      if let accuracy = record.validationAccuracy { line += "  accuracy \(fixed(100 * accuracy, 2)) %" }
      if let error = record.validationRMSE { line += "  RMSE \(fixed(error, 4))" }
      tell(line + "  \(fixed(record.seconds, 2)) s\n")
    }
  }
}

/// One line on a terminal that tells how far an epoch is.
struct Progress {
  let epochs: Int
  let enabled: Bool
  private let started = ContinuousClock.now
  private var shown = ContinuousClock.now
  private var examplesBefore = 0

  init(epochs: Int, enabled: Bool) {
    self.epochs = epochs
    self.enabled = enabled
  }

  mutating func show(
    _ epoch: Int, _ batch: Int, _ batches: Int, _ loss: Double, _ accuracy: Double?, _ examples: Int
  ) {
    guard enabled else { return }
    let now = ContinuousClock.now
    guard now - shown > .milliseconds(100) else { return }
    shown = now
    let seconds = (now - started) / .seconds(1)
    let done = Double(epoch - 1) + Double(batch) / Double(batches)
    let perEpoch = Double(examples) / Double(batch) * Double(batches)
    var line = "epoch \(epoch)/\(epochs)  batch \(batch)/\(batches)  loss \(fixed(loss, 4))"
    if let accuracy { line += "  accuracy \(fixed(100 * accuracy, 2)) %" }
    line +=
      "  \(Int(done * perEpoch / seconds)) examples/s  \(fixed(seconds / done * (Double(epochs) - done), 0)) s left"
    tell("\r\u{1B}[K" + line)
  }

  func clear() { if enabled { tell("\r\u{1B}[K") } }
}

func describe(_ quality: Quality) -> String {
  var text = "loss \(fixed(quality.loss, 4))"
  if let accuracy = quality.accuracy { text += ", accuracy \(fixed(100 * accuracy, 2)) %" }
  if let error = quality.rootMeanSquaredError { text += ", RMSE \(fixed(error, 4))" }
  return text + " on \(quality.count) examples"
}
