import Evenkeel

/// A batch norm in JSON.
struct NormLine: Encodable {
  let batchNorm: String
  let features, batches: Int
  let lowestScale, highestScale, lowestShift, highestShift: Double?
  let lowestMean, highestMean, lowestVariance, highestVariance: Double
  let meanShift, largestShift, lowestVarianceRatio, highestVarianceRatio, openShare: Double?
  let batchSize: Int?
  let meanError, varianceError: Double?

  init(_ norm: NormHealth) {
    (batchNorm, features, batches) = (norm.layer, norm.features, norm.batchCount)
    lowestScale = (norm.scale?.lowerBound).map(Double.init)
    highestScale = (norm.scale?.upperBound).map(Double.init)
    lowestShift = (norm.shift?.lowerBound).map(Double.init)
    highestShift = (norm.shift?.upperBound).map(Double.init)
    (lowestMean, highestMean) = (Double(norm.mean.lowerBound), Double(norm.mean.upperBound))
    (lowestVariance, highestVariance) = (Double(norm.variance.lowerBound), Double(norm.variance.upperBound))
    let measured = norm.measured
    (meanShift, largestShift) = (measured?.shift.meanShift, measured?.shift.largestMeanShift)
    lowestVarianceRatio = measured?.shift.lowestVarianceRatio
    highestVarianceRatio = measured?.shift.highestVarianceRatio
    (openShare, batchSize) = (measured?.openShare, measured?.batchSize)
    (meanError, varianceError) = (measured?.meanError, measured?.varianceError)
  }
}

/// The model's quality with one kind of statistics in JSON.
struct ComparisonLine: Encodable {
  let statistics: String
  let batchSize: Int?
  let loss: Double
  let accuracy, RMSE: Double?
  let count: Int

  init(statistics: String, batchSize: Int?, _ quality: Quality) {
    (self.statistics, self.batchSize) = (statistics, batchSize)
    (loss, accuracy, RMSE) = (quality.loss, quality.accuracy, quality.rootMeanSquaredError)
    count = quality.count
  }
}

/// A finding in JSON.
struct FindingLine: Encodable {
  let finding, severity, layer: String
  let features: [Int]
  let numbers: [String: Double]
  let cause, remedy: String

  init(_ finding: Finding) {
    (self.finding, severity, layer) = (finding.kind.rawValue, finding.severity.rawValue, finding.layer)
    (features, numbers) = (finding.features, finding.numbers)
    (cause, remedy) = (finding.cause, finding.remedy)
  }
}
