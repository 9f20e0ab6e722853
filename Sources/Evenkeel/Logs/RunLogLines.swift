// The lines of a run's log. Keys are written in the order of the declarations; what has no value is left out.

struct StartLine: Encodable {
  let schema = RunLog.schema
  let event = "start"
  let time = secondsSince1970()
  let step, epochs, stepsPerEpoch, examples: Int
  let version = Release.version
  let command: String?
  let machine: String
  let data: [String]
  let settings: LoggedSettings
  let network: EncodedJSON?

  init(_ start: RunStart) {
    (step, epochs, stepsPerEpoch, examples) = (start.step, start.epochs, start.stepsPerEpoch, start.examples)
    (command, machine, data) = (start.command, start.machine, start.data)
    settings = LoggedSettings(start.settings)
    // A layer of the user's own may fail to be encoded.
    network = (try? JSONLine.text(start.network)).map(EncodedJSON.init)
  }
}

/// Settings as a JSON object, in their order.
package struct LoggedSettings: Encodable {
  private let settings: [(name: String, value: RunSetting)]

  package init(_ settings: [(name: String, value: RunSetting)]) { self.settings = settings }

  private struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  package func encode(to encoder: any Encoder) throws {
    var object = encoder.container(keyedBy: Name.self)
    for (name, value) in settings { try object.encode(value, forKey: Name(stringValue: name)) }
  }
}

struct StepLine: Encodable {
  let event = "step"
  let time = secondsSince1970()
  let step, epoch, batch: Int
  let loss: Double
  let accuracy: Double?
  let learningRate: Double
  let examplesPerSecond, secondsLeft: Double?

  init(_ step: RunStep) {
    (self.step, epoch, batch) = (step.step, step.epoch, step.batch)
    (loss, accuracy, learningRate) = (step.loss, step.accuracy, step.learningRate)
    (examplesPerSecond, secondsLeft) = (step.examplesPerSecond, step.secondsLeft)
  }
}

struct EpochLine: Encodable {
  let event = "epoch"
  let time = secondsSince1970()
  let step, epoch: Int
  let trainLoss: Double
  let trainAccuracy, trainRMSE, validationLoss, validationAccuracy, validationRMSE, validationMetric: Double?
  let metric: String?
  let learningRate: Double
  let examplesPerSecond: Double?
  let seconds: Double
  let secondsLeft: Double?

  init(_ epoch: RunEpoch) {
    let record = epoch.record
    (step, self.epoch, seconds) = (epoch.step, record.epoch, record.seconds)
    (trainLoss, trainAccuracy, trainRMSE) = (record.trainLoss, record.trainAccuracy, record.trainRMSE)
    (validationLoss, validationAccuracy, validationRMSE) =
      (record.validationLoss, record.validationAccuracy, record.validationRMSE)
    (validationMetric, metric) = (record.validationMetric, epoch.metric?.rawValue)
    (learningRate, examplesPerSecond) = (epoch.learningRate, epoch.examplesPerSecond)
    secondsLeft = epoch.secondsLeft
  }
}

struct NormsLine: Encodable {
  let event = "norms"
  let time = secondsSince1970()
  let step, epoch: Int
  let norms: [Norm]

  struct Norm: Encodable {
    let layer: String
    let features, batches: Int
    let varianceBelowEpsilon: Double
    let runningLag, largestScale, gradientShare: Double?
    let lowestScale, highestScale, lowestShift, highestShift: Float?
    let lowestMean, highestMean, lowestVariance, highestVariance: Float

    init(_ norm: RunNorm) {
      let health = norm.health
      (layer, features, batches) = (health.layer, health.features, health.batchCount)
      (varianceBelowEpsilon, gradientShare) = (health.shareBelowEpsilon, health.expectedOpenShare)
      (runningLag, largestScale) = (norm.runningLag, norm.largestScale)
      (lowestScale, highestScale) = (health.scale?.lowerBound, health.scale?.upperBound)
      (lowestShift, highestShift) = (health.shift?.lowerBound, health.shift?.upperBound)
      (lowestMean, highestMean) = (health.mean.lowerBound, health.mean.upperBound)
      (lowestVariance, highestVariance) = (health.variance.lowerBound, health.variance.upperBound)
    }
  }

  init(_ epoch: RunEpoch) {
    (step, self.epoch) = (epoch.step, epoch.record.epoch)
    norms = epoch.norms.map(Norm.init)
  }
}

struct EndLine: Encodable {
  let event = "end"
  let time = secondsSince1970()
  let step, epoch: Int
  let status: RunEnd.Status
  let message: String?
  let testLoss, testAccuracy, testRMSE: Double?

  init(_ end: RunEnd) {
    (step, epoch, status, message) = (end.step, end.epoch, end.status, end.message)
    (testLoss, testAccuracy, testRMSE) = (end.test?.loss, end.test?.accuracy, end.test?.rootMeanSquaredError)
  }
}
