import Evenkeel
import EvenkeelONNX
import EvenkeelReference
import EvenkeelTestSupport
import FoundationEssentials

func text(of path: String) throws -> String { String(decoding: try FileBytes(path).copy, as: UTF8.self) }

/// Networks of every layer with parameters and statistics that no two features share, and inputs for them.
struct ONNXCase {
  let name: String
  let model: Model
  let inputs: Tensor

  init(_ name: String, _ network: Network, outputs kind: Int = 0, rows: Int = 64, seed: UInt64 = 3) throws {
    var model = try Model(network, seed: seed)
    var random = RandomNumbers(RandomKey(seed: seed))
    for parameter in model.parameters where parameter.role != .weight {
      let values = parameter.values.values.map { $0 + Float(0.3 * random.normal()) }
      try model.setParameter(parameter.name, to: Tensor(values, shape: parameter.values.shape))
    }
    for buffer in model.buffers where buffer.name.hasSuffix("running_mean") || buffer.name.hasSuffix("running_var") {
      let isMean = buffer.name.hasSuffix("mean")
      let values = buffer.values.values.map { _ in Float(isMean ? 0.4 * random.normal() : 0.2 + random.uniform()) }
      try model.setBuffer(buffer.name, to: Tensor(values, shape: buffer.values.shape))
    }
    let channels = network.input.featureCount
    model.scaling = InputScaling(
      mean: (0..<channels).map { 0.1 * Double($0) + 1.0 / 3 },
      deviation: (0..<channels).map { $0 == 1 ? 0 : 0.7 + Double($0) / 7 },
      remainder: [Double](repeating: 0, count: channels))
    for buffer in model.buffers where buffer.name.hasSuffix(".edges") {
      let values = Self.edges(buffer.values.shape.dimensions[0], bins: buffer.values.shape.dimensions[1] - 1)
      try model.setBuffer(buffer.name, to: Tensor(values, shape: buffer.values.shape))
    }
    let width = try network.placed().outputCount
    let names = (0..<width).map { "t\($0)" }
    switch kind {
    case 1:
      model.output = OutputDescription(
        loss: .softmaxCrossEntropy(labelSmoothing: 0.1), classLabels: (0..<width).map { "Klasse Ä\($0)" })
    case 2:
      model.output = OutputDescription(loss: .softmaxCrossEntropy, classLabels: (0..<width).map { "\($0 * 5 - 3)" })
    case 3:
      model.output = OutputDescription(
        loss: .huber(delta: 2), targetNames: names, targetMean: names.indices.map { 1e6 + Double($0) / 3 },
        targetDeviation: names.indices.map { 0.1 + Double($0) })
    case 4: model.output = OutputDescription(loss: .sigmoidCrossEntropy, targetNames: names)
    case 5: model.output = OutputDescription(loss: .sigmoidCrossEntropy, classLabels: ["no", "yes"])
    default: break
    }
    (self.name, self.model) = (name, model)
    inputs = Tensor(
      (0..<rows * network.input.count).map { _ in Float(random.normal()) },
      shape: Shape([rows] + network.input.dimensions))
  }

  /// Every layer and option that the package's own tests know, between others and over images and sequences.
  static func all() throws -> [ONNXCase] {
    let flat = try LayerCase.all.enumerated().map { index, layers in
      let kind = index % 6
      return try ONNXCase(
        layers.testDescription, layers.network(inputs: 4, units: 6, outputs: kind == 5 ? 1 : 3), outputs: kind)
    }
    let images = try ImageCase.all.enumerated().map { index, image in
      try ONNXCase(image.testDescription, image.network, outputs: index % 5)
    }
    return flat + images + [
      try ONNXCase(
        "an image without channels",
        Network(input: [5, 4]) {
          Flatten(); Dense(3)
        }, outputs: 2),
      try ONNXCase(
        "a block that projects",
        Network(input: [6, 6, 3]) {
          Convolution(8, kernel: 3)
          BatchNorm()
          ReLU()
          Residual(shortcut: .projection) {
            Convolution(16, kernel: 3, stride: 2)
            BatchNorm()
            ReLU()
            Residual {
              Convolution(16, kernel: 3)
              BatchNorm()
            }
          }
          ReLU()
          GlobalAveragePool()
          Dense(3)
        }, outputs: 1),
      try ONNXCase(
        "a block of dense layers",
        Network(input: [5]) {
          Residual(shortcut: .projection) {
            Dense(7)
            GELU()
          }
          Dense(3)
        }, outputs: 3),
    ]
  }

  /// Edges of bins of different widths, of which one feature after the other leaves more out, up to all.
  private static func edges(_ features: Int, bins: Int) -> [Float] {
    (0..<features).flatMap { feature -> [Float] in
      let own = max(bins - feature * 2, 0)
      return (0...bins).map { edge in Float(min(edge, own) * (3 + feature)) / 8 - 0.7 }
    }
  }

  /// The layers of tables and of ensembles, which come back only with their description.
  static func tables() throws -> [ONNXCase] {
    func network(@LayerBuilder _ layers: () -> [any Layer]) -> Network { Network(input: [4], layers) }
    let cases: [(String, Network, outputs: Int)] = [
      (
        "bins of all",
        network {
          PiecewiseLinear(bins: 5, width: 3); Dense(3)
        }, 3
      ),
      (
        "bins of some",
        network {
          PiecewiseLinear(bins: 1, width: 2, features: [2, 0]); Dense(3)
        }, 1
      ),
      (
        "waves of all",
        network {
          Periodic(frequencies: 6, deviation: 2, width: 5); Dense(3)
        }, 0
      ),
      (
        "waves of some",
        network {
          Periodic(frequencies: 4, width: 3, features: [3, 1, 0]); Dense(2)
        }, 2
      ),
      (
        "entries of all",
        network {
          Embedding(counts: [2, 1, 3, 2], width: 3); Dense(3)
        }, 1
      ),
      (
        "entries of some",
        network {
          Embedding(counts: [3, 2], width: 4, features: [3, 0]); Dense(3)
        }, 3
      ),
      (
        "a linear map and a deep network",
        network {
          Embedding(counts: [3], width: 2, features: [1])
          Residual(shortcut: .layers(LayerList([Dense(3)]))) {
            PiecewiseLinear(bins: 4, width: 2, features: [0, 2])
            Dense(6); BatchNorm(); ReLU(); Dropout(0.2); Dense(3)
          }
        }, 1
      ),
      (
        "networks in a tree",
        network {
          Residual(shortcut: .layers(LayerList([Dense(5), Tanh(), Dense(2)]))) {
            Residual(shortcut: .layers(LayerList([Dense(2)]))) {
              Periodic(width: 3); Dense(2)
            }
          }
        }, 2
      ),
      (
        "reshaped",
        Network(input: [4, 6, 2]) {
          Reshape([6, 8]); Dense(5); Reshape([3, 5, 2]); Flatten(); Dense(3)
        }, 3
      ),
    ]
    let ensembles = try [(0, 3), (1, 3), (3, 2), (4, 3), (5, 1)].flatMap { outputs, width in
      try [
        ONNXCase(
          "members, outputs \(outputs)",
          network {
            Ensemble(members: 4); Dense(6); BatchNorm(); ReLU(); Dense(5); SiLU(); MemberDense(width)
          },
          outputs: outputs),
        ONNXCase(
          "members with norms of their own, outputs \(outputs)",
          network {
            PiecewiseLinear(bins: 3, width: 2)
            Ensemble(members: 3, start: .normal)
            Dense(5); Reshape([15]); BatchNorm(); Reshape([3, 5]); LayerNorm(); ReLU()
            Ensemble(members: 3, start: .ones)
            Dense(4, bias: .absent); GELU()
            MemberDense(width)
          }, outputs: outputs),
      ]
    }
    return try cases.map { try ONNXCase($0.0, $0.1, outputs: $0.outputs) } + ensembles + [
      ONNXCase(
        "one member",
        network {
          Ensemble(members: 1); Dense(5); ReLU(); MemberDense(2)
        }, outputs: 2)
    ]
  }

  /// What `model` predicts of the inputs, as an NPY file.
  func expected(_ model: Model) throws -> [UInt8] {
    let predicted = try model.predict(inputs)
    guard model.output?.classLabels.count == 2, predicted.shape.dimensions[1] == 1 else {
      return npy(predicted.shape.dimensions, floats: predicted.values)
    }
    return npy([inputs.rowCount, 2], floats: predicted.values.flatMap { [1 - $0, $0] })
  }
}

/// A list for run_onnx.py.
struct ONNXRun {
  struct Case: Encodable {
    var name, onnx, layout, output, y: String
    var x: Inputs
    var labels: [String]?
    var threshold: Double?
  }

  enum Inputs: Encodable {
    case array(String)
    case table(file: String, missing: [String])

    private enum CodingKeys: String, CodingKey { case file, missing }
    func encode(to encoder: any Encoder) throws {
      switch self {
      case .array(let file):
        var container = encoder.singleValueContainer()
        try container.encode(file)
      case .table(let file, let missing):
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(file, forKey: .file)
        try container.encode(missing, forKey: .missing)
      }
    }
  }

  let folder: String
  private(set) var cases: [Case] = []

  init(_ folder: String) { self.folder = folder }

  /// Writes `model` as ONNX with what it should give for `x`.
  mutating func add(
    _ name: String, _ model: Model, _ options: ONNXOptions = ONNXOptions(), x: Inputs, y: [UInt8]
  ) throws {
    let number = cases.count
    try model.writeONNX(to: "\(folder)/\(number).onnx", options)
    writeBytes(y, to: "\(folder)/\(number)y.npy")
    let labels = model.output?.classLabels ?? []
    cases.append(
      Case(
        name: name, onnx: "\(number).onnx", layout: options.layout.rawValue,
        output: model.output == nil ? "output" : labels.isEmpty ? "prediction" : "probabilities", y: "\(number)y.npy",
        x: x, labels: labels.isEmpty ? nil : labels, threshold: model.output?.threshold))
  }

  mutating func add(_ item: ONNXCase, _ model: Model, _ options: ONNXOptions) throws {
    let x = "\(cases.count)x.npy"
    writeBytes(npy(item.inputs.shape.dimensions, floats: item.inputs.values), to: "\(folder)/\(x)")
    try add(
      "\(item.name), opset \(options.opset), \(options.layout)", model, options, x: .array(x), y: item.expected(model))
  }

  /// - Returns: What ONNX Runtime says against a file; nothing if all agree.
  func complaints() throws -> String {
    writeBytes(Array(try JSONEncoder().encode(cases)), to: folder + "/cases.json")
    let result = try Python.runScript("run_onnx.py", folder)
    return result.code == 0 ? "" : result.output
  }
}
