import ArgumentParser
import Evenkeel
import Glibc

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Trains a model on DATA and stores it.")

  @Argument(
    help: "digits (drawn by the program), a CSV, NPY or NPZ file, or a folder of IDX files, CIFAR-10 batches or images."
  )
  var data: String
  @Option(help: "The column to predict: a name in CSV, a number from 0 in NPY; the last one by default.")
  var target: String?
  @Option(help: "The column of a CSV file that says what each row counts, 0 or more; it is no input then.")
  var weight: String?
  @Option(help: "A network file (YAML), or mlp, lenet, resnet20, resnet32, resnet56 or vgg11, fitted to the data.")
  var network: String?
  @Option(help: "The units of each hidden layer; 256,256 by default.") var hidden: String?
  @Option(help: "The hidden layers' activation, one of \(Network.activationKinds); relu by default.")
  var activation: String?
  @Option(
    help:
      "batch (the default), ghost:N, renorm, layer, group, group:N, instance, rms or none, in the place of every norm of the network; after-activation: batch norm behind the activation of --hidden."
  )
  var normalization: String?
  @Option(
    help: "softmax, sigmoid (cross-entropies), squared or huber; by default softmax for classes, squared for values.")
  var loss: String?
  @Option(help: "The share of the softmax target that is moved evenly over all classes.") var labelSmoothing = 0.0
  @Option(help: "Where Huber's loss turns linear, in deviations of the target.") var huberDelta = 1.0
  @Option(help: "One of \(Optimizer.Name.list).") var optimizer = "adam"
  @Option(help: "The step size.") var learningRate = 0.001
  @Option(help: "The momentum of momentum and nesterov; 0.9 by default.") var momentum: Double?
  @Option(help: "constant, step, exponential, cosine or one-cycle.") var schedule = "constant"
  @Option(help: "Epochs between the steps of the step schedule; a third of all by default.") var stepEvery: Int?
  @Option(help: "The factor of the step (0.1) or exponential (0.9) schedule.") var decayFactor: Double?
  @Option(help: "Steps of warm-up.") var warmUp = 0
  @Option(help: "Decay of weights, never of biases, scales and shifts; 0.01 by default for adamw, else 0.")
  var weightDecay: Double?
  @Option(help: "Greatest norm of the gradient.") var clip: Double?
  @Option(help: "Epochs without a better validation loss before training stops and gives back the best model.")
  var patience: Int?
  @Option(help: "The most examples in a mini-batch; those of an epoch are of equal size but for one example.")
  var batchSize = 128
  @Option(help: "Parts in which a batch is taken, so that it needs the memory of one.") var accumulate: Int?
  @Option(help: "Whose statistics normalise such parts: micro (each its own, the default) or whole (the batch's).")
  var batchStatistics: String?
  @Option(help: "Epochs after which every batch norm keeps its running statistics and normalises with them; 0 for all.")
  var freezeStatisticsAfter: Int?
  @Flag(help: "Scales and shifts are frozen too.") var freezeScaleAndShift = false
  @Option(help: "The average of the weights that becomes the model: ema:0.999 over steps, swa:3 over epochs from 3 on.")
  var average: String?
  @Option(
    help:
      "Random changes of training images, in order: crop, flip, rotate, cutout; with values crop:4,rotate:10,cutout:8 (pixels, degrees, pixels)."
  )
  var augment: String?
  @Option(help: "Passes over the training data, those before --resume included.") var epochs = 5
  @Option(help: "A share of the training data, as 0.1, or DATA of its own, evaluated after every epoch.")
  var validation = "0"
  @Option(help: "DATA of its own to test on at the end; else the test part of DATA, or a fifth where it has none.")
  var test: String?
  @Option(help: "float32 (the default) or bfloat16, for the products of layers, where the processor has it.")
  var precision: String?
  @Option(help: "Seed of start, order, dropout, augmentation and split.") var seed: UInt64 = 0
  @Option(help: "Threads; all processors by default.") var threads: Int?
  @Option(help: "Where the model goes, as NAME.safetensors; NAME.checkpoint.safetensors holds the last epoch's place.")
  var output: String?
  @Option(help: "A checkpoint to go on from, with the same data and settings (but for --epochs).") var resume: String?
  @Flag(help: "One JSON object a line.") var json = false
  @Flag(help: "No progress.") var quiet = false

  func run() throws {
    StopSignals.watch()
    guard epochs > 0 else { throw EvenkeelError(.usage, "--epochs is \(epochs); expected at least 1.") }
    guard batchSize > 0 else { throw EvenkeelError(.usage, "--batch-size is \(batchSize); expected at least 1.") }
    if let threads, threads < 1 { throw EvenkeelError(.usage, "--threads is \(threads); expected at least 1.") }
    if network != nil {
      for (name, value) in [("--hidden", hidden), ("--activation", activation)] where value != nil {
        throw EvenkeelError(.usage, "\(name) describes a network, and so does --network; leave one out.")
      }
    }
    let (output, checkpointPath) = outputPaths()
    try requireApart(output, from: [data, validation, test, network, resume])
    // A resumed run replaces the checkpoint that it goes on from.
    try requireApart(checkpointPath, from: [data, validation, test, network], as: "the checkpoint of --output")
    for path in [output, checkpointPath] { try requireOutput(path) }
    let optimizer = try chosenOptimizer()
    let schedule = try chosenSchedule()
    let precision = try chosenPrecision()
    let augmentation = try augment.map { try Augmentation.list($0) } ?? []
    let checkpoint = try resume.map { try Checkpoint(contentsOf: $0) }
    let threads = threads ?? Machine.threads
    if let before = checkpoint?.threads, before != threads {
      complain(
        "warning: the checkpoint is of a run on \(before) threads, this one is on \(threads): the last bits may differ."
      )
    }
    if let encoding = checkpoint?.model.encoding, encoding.weightName != weight {
      throw EvenkeelError(
        .usage,
        encoding.weightName.map { "The checkpoint is of a run with --weight \($0); give it again." }
          ?? "The checkpoint is of a run without --weight; leave it out.")
    }
    let splits = try Dataset.read(
      data, target: target, weight: weight, validation: try chosenValidation(),
      test: test.map { .data($0) } ?? .share(0.2), seed: seed)
    for warning in splits.warnings { complain("warning: \(warning)") }
    if patience != nil, splits.validation.isEmpty {
      throw EvenkeelError(.usage, "--patience needs --validation, a share or DATA.")
    }
    let loss = try chosenLoss(splits.training)
    let trainer = Trainer(
      loss: loss, optimizer: optimizer, batchSize: batchSize, schedule: schedule, clippingNorm: clip,
      patience: patience, augmentation: augmentation, accumulating: accumulate ?? 1,
      statistics: try chosenStatistics(), freezing: try chosenFreezing(), averaging: try chosenAveraging(),
      precision: precision,
      seed: seed,
      threads: threads)
    // A resumed run has its network already; one that is given all the same must be that.
    let isDescribed = [network, hidden, activation, normalization].contains { $0 != nil }
    let described = checkpoint == nil || isDescribed ? try chosenNetwork(splits.training) : nil
    if let checkpoint, let described, described != checkpoint.model.network {
      throw EvenkeelError(.usage, "The network is another than that of the checkpoint, which is known; leave it out.")
    }
    if checkpoint == nil, let described { try trainer.requireMemory(for: described) }
    var model = try checkpoint?.model ?? Model(described!, seed: seed)
    try trainer.requireStatistics(of: model.network, examples: splits.training.count)
    let findings = try model.network.diagnose(
      batchSize: try trainer.examplesOfStatistics(of: model.network, in: splits.training.count),
      weightDecay: optimizer.weightDecay)
    for (layers, finding) in DiagnosisReport.grouped(findings) where finding.severity > .note {
      complain("warning: \(layers): \(finding.cause) \(finding.remedy)")
    }
    var progress = Progress(epochs: epochs, enabled: !quiet && isatty(2) == 1)
    try model.requireEvaluable([splits.validation, splits.test], after: loss, on: splits.training)
    for part in [splits.validation, splits.test] { try part.requireFinite() }
    StopSignals.trainingStarts()
    do {
      try trainer.fit(
        &model, to: splits.training, validation: splits.validation, epochs: epochs, resuming: checkpoint,
        shouldStop: { StopSignals.haveCome }
      ) { event in
        switch event {
        case .step(let epoch, let batch, let batches, let loss, let accuracy, let examples):
          progress.show(epoch, batch, batches, loss, accuracy, examples)
        case .evaluated: break
        case .epoch(let record, let checkpoint):
          progress.clear()
          if let checkpointPath {
            try checkpoint.write(to: checkpointPath)
          }
          try report(record)
        case .interrupted(let checkpoint):
          progress.clear()
          if let checkpointPath { try checkpoint.write(to: checkpointPath) }
        }
      }
    } catch let error as EvenkeelError where error.code == .interrupted {
      progress.clear()
      throw EvenkeelError(
        .interrupted,
        error.message
          + (checkpointPath.map { " Go on with the same command and --resume \($0)." }
            ?? " No --output was given, so nothing was saved."))
    }
    let quality = try judged(model, splits)
    if let output { try model.write(to: output) }
    let test = splits.test.isEmpty ? nil : quality
    if json {
      try emit(
        jsonObject([
          ("event", "\"finished\""), ("testLoss", jsonNumber(test?.loss)), ("testAccuracy", jsonNumber(test?.accuracy)),
          ("testRMSE", jsonNumber(test?.rootMeanSquaredError)), ("testTargets", test.flatMap(jsonTargets)),
          ("model", output.map(jsonText)),
        ]))
    } else {
      if let test { try emit((["test: \(describe(test))"] + describeTargets(test)).joined(separator: "\n")) }
      if let output {
        try emit("model: \(output)")
      } else {
        complain("the model is not stored; --output FILE stores it.")
      }
    }
  }

  /// How well the model does on the test part, or on another where there is none; what predicts no numbers is not to be stored.
  private func judged(_ model: Model, _ splits: DatasetSplits) throws -> Quality {
    let part = [splits.test, splits.validation].first { !$0.isEmpty } ?? splits.training
    do { return try model.evaluate(part) } catch let error as EvenkeelError {
      throw EvenkeelError(error.code, error.message + (outputPaths().0.map { " \($0) is not written." } ?? ""))
    }
  }

  /// The model's path and the checkpoint's; a resumed run goes on with those that it had.
  private func outputPaths() -> (String?, String?) {
    let suffix = ".checkpoint.safetensors"
    var output = output
    if output == nil, let resume, resume.hasSuffix(suffix) {
      output = String(resume.dropLast(suffix.count)) + ".safetensors"
    }
    // Nothing lies beside a pipe or a device.
    var status = stat()
    guard let output, !isStandardOutput(output), stat(output, &status) != 0 || status.st_mode & S_IFMT == S_IFREG
    else { return (output, nil) }
    return (output, (output.hasSuffix(".safetensors") ? String(output.dropLast(12)) : output) + suffix)
  }

  private func chosenValidation() throws -> HeldOut {
    guard let share = Double(validation) else { return .data(validation) }
    guard (0..<1).contains(share) else {
      throw EvenkeelError(.usage, "--validation is \(validation); expected 0 or more and less than 1, or DATA.")
    }
    return .share(share)
  }

  private func chosenLoss(_ dataset: Dataset) throws -> Loss {
    let isRegression = if case .values = dataset.targets { true } else { false }
    let name = loss ?? (isRegression ? "squared" : "softmax")
    guard labelSmoothing == 0 || name == "softmax" else {
      throw EvenkeelError(.usage, "--label-smoothing goes with the softmax loss, not with \(name).")
    }
    switch name {
    case "softmax": return .softmaxCrossEntropy(labelSmoothing: labelSmoothing)
    case "sigmoid": return .sigmoidCrossEntropy
    case "squared": return .meanSquaredError
    case "huber": return .huber(delta: huberDelta)
    default:
      throw EvenkeelError(.usage, "--loss is \"\(name)\"; expected softmax, sigmoid, squared or huber.")
    }
  }

  private func chosenNetwork(_ dataset: Dataset) throws -> Network {
    var exchanged: Normalization?
    if let normalization, !["none", "after-activation"].contains(normalization) {
      do { exchanged = try Normalization(named: normalization) } catch is EvenkeelError {
        throw EvenkeelError(
          .usage,
          "--normalization is \"\(normalization)\"; expected \(Normalization.names), after-activation or none.")
      }
    }
    if let network {
      guard normalization != "after-activation" else {
        throw EvenkeelError(
          .usage, "--network says where its norms are; --normalization after-activation goes with --hidden.")
      }
      let network = try named(network, for: dataset)
      if normalization == "none" { return network.withoutNormalization() }
      return try exchanged.map { try self.exchanged($0, in: network) } ?? network
    }
    let hidden = hidden ?? "256,256"
    let units = hidden.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard units.allSatisfy({ ($0 ?? 0) > 0 }) else {
      throw EvenkeelError(.usage, "--hidden is \"\(hidden)\"; expected numbers above 0, as in 256,256.")
    }
    let placement: NormalizationPlacement =
      switch normalization {
      case "none": .none
      case "after-activation": .afterActivation
      default: .beforeActivation
      }
    let network = try Network.multilayer(
      input: dataset.shape.count, hidden: units.map { $0! },
      outputs: loss == "sigmoid" && dataset.outputCount == 2 ? 1 : dataset.outputCount,
      activation: activation ?? "relu", normalization: placement)
    return try exchanged.map { try self.exchanged($0, in: network) } ?? network
  }

  /// `network` with the norms that --normalization names, which what goes wrong names too.
  private func exchanged(_ norm: Normalization, in network: Network) throws -> Network {
    do { return try network.normalized(by: norm) } catch let error as EvenkeelError {
      throw EvenkeelError(error.code, "--normalization is \"\(normalization!)\": \(error.message)")
    }
  }

  private func chosenOptimizer() throws -> Optimizer {
    guard let name = Optimizer.Name(rawValue: optimizer) else {
      throw EvenkeelError(.usage, "--optimizer is \"\(optimizer)\"; expected \(Optimizer.Name.list).")
    }
    guard momentum == nil || name.takesMomentum else {
      throw EvenkeelError(.usage, "--momentum goes with --optimizer momentum or nesterov, not with \(optimizer).")
    }
    let chosen = Optimizer(name, learningRate: learningRate, momentum: momentum ?? 0.9, weightDecay: weightDecay)
    try chosen.validate()
    return chosen
  }

  private func chosenStatistics() throws -> BatchStatistics {
    if let accumulate, !(1...batchSize).contains(accumulate) {
      throw EvenkeelError(.usage, "--accumulate is \(accumulate); expected 1 to \(batchSize), the batch size.")
    }
    guard let name = batchStatistics else { return .micro }
    guard let statistics = BatchStatistics(rawValue: name) else {
      throw EvenkeelError(.usage, "--batch-statistics is \"\(name)\"; expected micro or whole.")
    }
    guard accumulate != nil else {
      throw EvenkeelError(.usage, "--batch-statistics says how the parts of --accumulate are normalised; give both.")
    }
    return statistics
  }

  private func chosenFreezing() throws -> NormFreezing? {
    guard let epoch = freezeStatisticsAfter else {
      guard !freezeScaleAndShift else {
        throw EvenkeelError(.usage, "--freeze-scale-and-shift goes with --freeze-statistics-after.")
      }
      return nil
    }
    guard epoch >= 0 else {
      throw EvenkeelError(.usage, "--freeze-statistics-after is \(epoch); expected 0 or more epochs.")
    }
    return NormFreezing(afterEpoch: epoch, includesScaleAndShift: freezeScaleAndShift)
  }

  private func chosenAveraging() throws -> WeightAveraging? {
    guard let average else { return nil }
    let parts = average.split(separator: ":", omittingEmptySubsequences: false)
    let chosen: WeightAveraging
    if parts.count == 2, parts[0] == "ema", let decay = Double(parts[1]) {
      chosen = .exponential(decay: decay)
    } else if parts.count == 2, parts[0] == "swa", let epoch = Int(parts[1]) {
      chosen = .uniform(fromEpoch: epoch)
    } else {
      throw EvenkeelError(
        .usage, "--average is \"\(average)\"; expected ema:DECAY or swa:EPOCH, as ema:0.999 or swa:3.")
    }
    do { try chosen.validate(epochs: epochs) } catch let error as EvenkeelError {
      throw EvenkeelError(error.code, "--average is \"\(average)\": \(error.message)")
    }
    return chosen
  }

  private func chosenPrecision() throws -> Precision {
    guard let name = precision else { return .float32 }
    guard let chosen = Precision(rawValue: name) else {
      throw EvenkeelError(.usage, "--precision is \"\(name)\"; expected float32 or bfloat16.")
    }
    try chosen.validate()
    return chosen
  }

  private func chosenSchedule() throws -> Schedule {
    switch schedule {
    case "constant": return .constant(warmUp: warmUp)
    case "step":
      return .step(every: stepEvery ?? max(1, epochs / 3), factor: decayFactor ?? 0.1, warmUp: warmUp)
    case "exponential": return .exponential(factor: decayFactor ?? 0.9, warmUp: warmUp)
    case "cosine": return .cosine(warmUp: warmUp)
    case "one-cycle": return .oneCycle(warmUp: warmUp)
    default:
      throw EvenkeelError(
        .usage, "--schedule is \"\(schedule)\"; expected constant, step, exponential, cosine or one-cycle.")
    }
  }

  private func report(_ record: EpochRecord) throws {
    if json {
      try emit(
        jsonObject([
          ("event", "\"epoch\""), ("epoch", "\(record.epoch)"), ("trainLoss", jsonNumber(record.trainLoss)),
          ("trainAccuracy", jsonNumber(record.trainAccuracy)), ("trainRMSE", jsonNumber(record.trainRMSE)),
          ("validationLoss", jsonNumber(record.validationLoss)),
          ("validationAccuracy", jsonNumber(record.validationAccuracy)),
          ("validationRMSE", jsonNumber(record.validationRMSE)), ("seconds", jsonNumber(record.seconds)),
        ]))
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

/// A network file, or a network that ships with the program, fitted to `dataset`.
func named(_ network: String, for dataset: Dataset? = nil) throws -> Network {
  if Network.presets.contains(network) {
    let preset = try Network(preset: network)
    return try dataset.map { try preset.fitted(to: $0) } ?? preset
  }
  do { return try Network(contentsOf: network) } catch let error as EvenkeelError where error.code == .noInput {
    throw EvenkeelError(.noInput, "\(error.message) It is none of \(Network.presets.joined(separator: ", ")) either.")
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
    // A line that wrapped could not be written over.
    var size = winsize()
    if ioctl(2, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { line = String(line.prefix(Int(size.ws_col) - 1)) }
    tell("\r\u{1B}[K" + line)
  }

  func clear() { if enabled { tell("\r\u{1B}[K") } }
}
