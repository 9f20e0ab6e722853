import Evenkeel
import EvenkeelServer
import EvenkeelTestSupport
import FoundationEssentials

/// Models that the tests of the page show.
enum PageModels {
  /// A small convolutional network that has learned the digits that the library draws.
  static let digits = Result {
    let data = try Dataset.digits(training: 3000, test: 0, seed: 5).training
    let network = Network(input: [28, 28, 1]) {
      Convolution(8, kernel: 3)
      BatchNorm()
      ReLU()
      MaxPool(2)
      Convolution(16, kernel: 3)
      BatchNorm()
      ReLU()
      MaxPool(2)
      Flatten()
      Dense(32)
      BatchNorm()
      ReLU()
      Dense(10)
    }
    var model = try Model(network, seed: 1)
    _ = try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.003), batchSize: 64).fit(
      &model, to: data, epochs: 4)
    return model
  }

  /// A classifier of rows with numbers, a category, a date, and missing cells.
  static let table = Result {
    let lines = (0..<300).map { row in
      let (size, color) = (Double(row * 37 % 100) / 10, ["red", "green", "blue"][row % 3])
      return
        "\(row % 17 == 0 ? "" : String(size)),\(color),2024-\(row % 12 + 1)-\(row % 28 + 1),\(size > 5 || color == "red" ? "yes" : "no")"
    }
    let text = "size,color,day,answer\n" + lines.joined(separator: "\n") + "\n"
    let data = try withTemporaryPath(".csv", containing: text) {
      try Dataset.csv(at: $0, target: "answer").training
    }
    let network = Network(input: data.shape) {
      Dense(8)
      BatchNorm()
      ReLU()
      Dense(2)
    }
    var model = try Model(network, seed: 1)
    _ = try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.01), batchSize: 32).fit(
      &model, to: data, epochs: 10)
    return model
  }

  /// Values in the body of a request.
  static func bytes(_ values: [Float]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }
}

/// What `POST /activations` answers.
struct PageReply: Decodable {
  struct Outputs: Decodable {
    let areProbabilities: Bool
    let names: [String]
    let values: [Double]
  }
  struct Maps: Decodable {
    let height, width: Int
    let bytes: Data
  }
  struct Histogram: Decodable {
    let from, to: Double
    let before, after: [Int]
  }
  struct Spread: Decodable { let mean, deviation: Double }
  struct Statistics: Decodable { let mean, variance: [Float] }
  struct Norm: Decodable {
    let mode: NormalizationMode
    let epsilon: Double
    let gamma, beta, mean, variance: [Float]
    let own: Statistics?
    let running: Spread
    let ownSpread: Spread?
    let histogram: Histogram
  }
  struct Layer: Decodable {
    let path, kind: String
    let shape: [Int]
    let channels: Int
    let minimum, maximum: [Float]?
    let mean: [Float]
    let maps: Maps?
    let norm: Norm?
  }
  struct ChannelNorm: Decodable {
    let mode: NormalizationMode
    let gamma, beta, mean, variance: Float
    let epsilon: Double
    let ownMean, ownVariance: Float?
  }
  struct Channel: Decodable {
    let layer: String
    let index: Int
    let before: [Float]?
    let after: [Float]
    let norm: ChannelNorm?
    let histogram: Histogram?
  }
  let mode: NormalizationMode
  let outputs: Outputs
  let layers: [Layer]
  let channel: Channel?
}

extension PageReply.Histogram {
  /// Whether the counts are those of values, up to one value on an edge of a bin.
  func counts(_ values: [Float], in counts: [Int]) -> Bool {
    var expected = [Int](repeating: 0, count: counts.count)
    for value in values {
      let place = (Double(value) - from) / (to - from) * Double(counts.count)
      expected[min(counts.count - 1, max(0, Int(place)))] += 1
    }
    return counts.reduce(0, +) == values.count && zip(expected, counts).reduce(0) { $0 + abs($1.0 - $1.1) } <= 2
  }
}

extension LayerActivation {
  /// The values of one channel of a tensor of this layer's shape.
  func channel(_ index: Int, of tensor: Tensor) -> [Float] {
    let channels = tensor.shape.dimensions.last!
    return tensor.values.indices.filter { $0 % channels == index }.map { tensor.values[$0] }
  }
}
