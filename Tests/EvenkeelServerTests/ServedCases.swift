import Evenkeel
import EvenkeelReference
import EvenkeelServer
import EvenkeelTestSupport

/// A network of numbers into three classes, whose parameters and statistics differ from feature to feature.
func model(_ network: Network, seed: UInt64 = 5, classes: [String]? = nil) throws -> Model {
  var model = try Model(network, seed: seed)
  var random = RandomNumbers(RandomKey(seed: seed))
  for buffer in model.buffers where buffer.name.hasSuffix("running_mean") || buffer.name.hasSuffix("running_var") {
    let isMean = buffer.name.hasSuffix("mean")
    let values = buffer.values.values.map { _ in Float(isMean ? 0.3 * random.normal() : 0.5 + random.uniform()) }
    try model.setBuffer(buffer.name, to: Tensor(values, shape: buffer.values.shape))
  }
  let channels = network.input.featureCount
  model.scaling = InputScaling(
    mean: (0..<channels).map { 0.1 * Double($0) }, deviation: (0..<channels).map { 1 + Double($0) / 10 },
    remainder: [Double](repeating: 0, count: channels))
  if let classes { model.output = OutputDescription(loss: .softmaxCrossEntropy, classLabels: classes) }
  return model
}

let smallNetwork = Network(input: [4]) {
  Dense(8)
  BatchNorm()
  ReLU()
  Dense(3)
}

/// A service of models that were read from files in a folder, and what answers requests to it.
func withService<Result>(
  _ models: [(name: String, ensemble: ModelEnsemble)], options: BatcherOptions = BatcherOptions(),
  further: (any RequestHandler)? = nil, token: String? = nil,
  _ body: (InferenceService, RequestGate, _ folder: String) async throws -> Result
) async throws -> Result {
  try await withTemporaryFolder { folder in
    let sources = try models.map { model in
      let path = folder + "/\(model.name).safetensors"
      try model.ensemble.write(to: path)
      return try InferenceService.Source(name: model.name, path: path)
    }
    let service = try InferenceService(sources, options: options)
    try service.load()
    let gate = RequestGate(
      ServiceHandler(service, options: options, further: further), token: token, greatestBody: 1 << 20)
    return try await body(service, gate, folder)
  }
}

func withClasses<Result>(
  _ body: (InferenceService, RequestGate, _ folder: String) async throws -> Result
) async throws -> Result {
  let classes = try model(smallNetwork, classes: ["cat", "dog", "\"Äpfel\""])
  return try await withService([("small", try ModelEnsemble([classes]))], body)
}

extension ServerResponse {
  var bytes: [UInt8] { if case .bytes(let bytes) = body { bytes } else { [] } }
  var text: String { String(decoding: bytes, as: UTF8.self) }
  func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

extension RequestHandler {
  func get(_ path: String, headers: [String: String] = [:]) async -> ServerResponse {
    await respond(to: ServerRequest(method: "GET", path: path, headers: headers))
  }

  func post(_ path: String, _ body: [UInt8], headers: [String: String] = [:]) async -> ServerResponse {
    await respond(to: ServerRequest(method: "POST", path: path, headers: headers, body: body))
  }

  func post(_ path: String, _ body: String, headers: [String: String] = [:]) async -> ServerResponse {
    await post(path, Array(body.utf8), headers: headers)
  }
}

/// A request for rows of four numbers.
func request(_ rows: [[Float]], more: String = "") -> String {
  let data = rows.map { row in row.map { "\($0)" }.joined(separator: ",") }.joined(separator: ",")
  return
    "{\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\",\"shape\":[\(rows.count),4],\"data\":[\(data)]}]\(more)}"
}

/// The same as bytes behind JSON.
func binaryRequest(_ rows: [[Float]], more: String = "") -> (body: [UInt8], headers: [String: String]) {
  let bytes = rows.joined().flatMap { littleEndian($0.bitPattern) }
  let json =
    "{\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\",\"shape\":[\(rows.count),4],"
    + "\"parameters\":{\"binary_data_size\":\(bytes.count)}}]\(more)}"
  return (Array(json.utf8) + bytes, ["inference-header-content-length": "\(json.utf8.count)"])
}

let fourRows: [[Float]] = [[0.5, -1, 2, 0.25], [1e-3, 3, -0.75, 1], [0, 0, 0, 0], [-2, 1.5, 0.1, -3.25]]
