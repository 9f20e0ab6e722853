import Evenkeel
import ExampleLayers
import Foundation
import Testing

/// The networks that the tests run, one for each layer, by name.
enum Example: String, CaseIterable {
  case mish, norm, weightNorm, noise

  var network: Network {
    Self.register()
    return Network(input: [3]) {
      switch self {
      case .mish:
        Dense(4)
        ExampleMish()
      case .norm:
        Dense(4)
        RMSBatchNorm()
        ExampleMish()
      case .weightNorm:
        WeightNorm(Dense(4))
        Tanh()
      case .noise:
        Dense(4)
        GaussianNoise(deviation: 0.3)
      }
      Dense(2)
    }
  }

  static func register() {
    LayerRegistry.register(ExampleMish.self)
    LayerRegistry.register(RMSBatchNorm.self)
    LayerRegistry.register(WeightNorm.self)
    LayerRegistry.register(GaussianNoise.self)
  }

  /// A trainer whose batches are not all of one size on `data()`.
  static func trainer(batchSize: Int = 25) -> Trainer {
    Trainer(
      loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.02), batchSize: batchSize, seed: 3, threads: 1)
  }

  /// Points whose class is whether they lie outside of a circle; `mean` is the mean of each of their features.
  static func data(count: Int = 180, mean: Float = 0, seed: UInt64 = 1) throws -> Dataset {
    var random = RandomNumbers(RandomKey(seed: seed))
    let points = (0..<count).map { _ in (0..<3).map { _ in Float(random.normal()) } }
    let classes = points.map { $0.reduce(0) { $0 + $1 * $1 } > 2.4 ? Int32(1) : 0 }
    return try Dataset(
      points.flatMap { $0 }.map { $0 + mean }, shape: [3], targets: .classes(classes, labels: ["in", "out"]))
  }

  /// A model of the network that was trained for `epochs`.
  func trained(epochs: Int = 3, by trainer: Trainer = Example.trainer(), on data: Dataset? = nil) throws -> Model {
    var model = try Model(network, seed: 5)
    try trainer.fit(&model, to: data ?? Self.data(), epochs: epochs)
    return model
  }
}

/// Gives `body` the path of a file that is gone afterwards.
func withFile<Result>(_ body: (String) throws -> Result) throws -> Result {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString + ".safetensors").path
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}

extension Model {
  /// The values of a parameter or a buffer.
  func stored(_ name: String) throws -> [Float] {
    let tensors = parameters.map { ($0.name, $0.values) } + buffers.map { ($0.name, $0.values) }
    return try #require(tensors.first { $0.0 == name }).1.values
  }
}

/// The greatest difference between two lists of one length.
func distance(_ left: [Float], _ right: [Float]) -> Float {
  precondition(left.count == right.count, "\(left.count) numbers beside \(right.count)")
  return zip(left, right).map { abs($0 - $1) }.max() ?? 0
}
