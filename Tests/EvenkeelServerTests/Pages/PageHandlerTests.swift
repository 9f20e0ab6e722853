import Evenkeel
import EvenkeelServer
import EvenkeelTestSupport
import FoundationEssentials
import Testing

private func post(
  _ model: Model, _ body: [UInt8], type: String = "application/octet-stream", query: [String: String] = [:]
) async throws -> (status: Int, body: Data) {
  let response = await PageHandler(model, name: "model").respond(
    to: ServerRequest(
      method: "POST", path: "/activations", query: query, headers: ["content-type": type], body: body))
  guard case .bytes(let bytes) = response.body else { return (response.status, Data()) }
  return (response.status, Data(bytes))
}

@Test func thePageLoadsNothingElse() async throws {
  let handler = PageHandler(try PageModels.digits.get(), name: "</script><b>")
  let response = await handler.respond(to: ServerRequest(method: "GET", path: "/"))
  #expect(response.status == 200)
  let policy = response.headers.first { $0.name == "Content-Security-Policy" }?.value
  #expect(policy?.hasPrefix("default-src 'none'") == true)
  guard case .bytes(let bytes) = response.body else { return #expect(Bool(false)) }
  let text = String(decoding: bytes, as: UTF8.self)
  for part in ["src=\"http", "href=\"http", "@import", "url(", "</script><b>", "/*style*/", "/*script*/", "/*model*/"] {
    #expect(!text.contains(part), "\(part)")
  }
  #expect(text.split(separator: "</script>").count == 3)
}

@Test(arguments: NormalizationMode.allCases)
func theAnswerIsWhatTheModelActivates(mode: NormalizationMode) async throws {
  let model = try PageModels.digits.get()
  let digit = try Dataset.digits(training: 10, test: 0, seed: 9).training[4]
  let activations = try model.activations(of: Tensor(digit, shape: [1, 784]), mode: mode)
  for layer in activations where layer.norm != nil {
    let channels = layer.values.shape.dimensions.last!
    let (status, body) = try await post(
      model, PageModels.bytes(digit), query: ["mode": mode.rawValue, "layer": layer.path, "channel": "\(channels - 1)"])
    #expect(status == 200)
    let reply = try JSONDecoder().decode(PageReply.self, from: body)
    #expect(reply.mode == mode)
    #expect(reply.outputs.values == model.predictions(of: activations))
    #expect(reply.outputs.names == (0..<10).map { String($0) })
    #expect(reply.layers.map { $0.path } == activations.map { $0.path })
    for (shown, real) in zip(reply.layers, activations) { expect(shown, shows: real) }
    let channel = try #require(reply.channel)
    let norm = try #require(layer.norm)
    #expect(channel.layer == layer.path)
    #expect(channel.index == channels - 1)
    #expect(channel.after == layer.channel(channels - 1, of: layer.values))
    #expect(channel.before == layer.channel(channels - 1, of: norm.input))
    #expect(channel.norm?.mode == norm.mode)
    #expect(channel.norm?.gamma == norm.scale?.last)
    #expect(channel.norm?.beta == norm.shift?.last)
    #expect(channel.norm?.variance == norm.running.variance.last)
    let ownMean: Float? = norm.own.map { Float($0.mean(channels - 1)) }
    #expect(channel.norm?.ownMean == ownMean)
    #expect(channel.histogram?.counts(channel.after, in: channel.histogram!.after) == true)
  }
}

private func expect(_ shown: PageReply.Layer, shows real: LayerActivation) {
  let channels = real.values.shape.dimensions.last!
  #expect(shown.shape == Array(real.values.shape.dimensions.dropFirst()))
  #expect(shown.channels == channels)
  for channel in 0..<shown.mean.count {
    let values = real.channel(channel, of: real.values)
    let sum: Double = values.reduce(0) { $0 + Double($1) }
    let mean = sum / Double(values.count)
    #expect(abs(Double(shown.mean[channel]) - mean) < 1e-5 * (1 + abs(mean)))
    guard let maps = shown.maps, let least = shown.minimum?[channel], let most = shown.maximum?[channel] else {
      continue
    }
    #expect(least == values.min())
    #expect(most == values.max())
    #expect(maps.height * maps.width == values.count)
    let bytes = maps.bytes.dropFirst(channel * values.count).prefix(values.count)
    let step = (most - least) / 255
    for (byte, value) in zip(bytes, values) { #expect(abs(least + Float(byte) * step - value) <= 0.501 * step + 1e-6) }
  }
  #expect((shown.norm == nil) == (real.norm == nil))
  guard let norm = shown.norm, let truth = real.norm else { return }
  #expect(norm.mode == truth.mode)
  #expect(norm.mean == truth.running.mean)
  #expect(norm.variance == truth.running.variance)
  #expect(norm.gamma == truth.scale)
  #expect(norm.beta == truth.shift)
  #expect((norm.own == nil) == (truth.own == nil))
  #expect(norm.histogram.counts(truth.input.values, in: norm.histogram.before))
  #expect(norm.histogram.counts(real.values.values, in: norm.histogram.after))
}

@Test func aRowOfATableIsTakenByTheNamesOfItsColumns() async throws {
  let model = try PageModels.table.get()
  let row = #"[{"size": "7.5", "color": "blue", "day": "2024-03-09"}]"#
  let (status, body) = try await post(model, Array(row.utf8), type: "application/json")
  #expect(status == 200)
  let reply = try JSONDecoder().decode(PageReply.self, from: body)
  let predicted: [Double] = try withTemporaryPath(".csv", containing: "size,color,day\n7.5,blue,2024-03-09\n") { path in
    try model.predictInDouble(try Dataset.readForUse(path, by: model, targets: false).dataset)
  }
  #expect(reply.outputs.names == model.output?.classLabels)
  for (ours, theirs) in zip(reply.outputs.values, predicted) { #expect(abs(Double(ours) - Double(theirs)) < 1e-6) }
}

@Test(arguments: [
  ("mode", "expected running, own or none"), ("layer", "no layer \"77\""), ("channel", "channels 0 to 7"),
  ("number", "expected the number of a channel"),
])
func aQueryThatMeansNothingIsRefused(what: String, sentence: String) async throws {
  let model = try PageModels.digits.get()
  let query =
    switch what {
    case "mode": ["mode": "batch"]
    case "layer": ["layer": "77", "channel": "0"]
    case "channel": ["layer": "1", "channel": "8"]
    default: ["layer": "1", "channel": "x"]
    }
  let (status, body) = try await post(model, PageModels.bytes(Array(repeating: 0, count: 784)), query: query)
  #expect(status == 400)
  #expect(try JSONDecoder().decode([String: String].self, from: body)["error"]?.contains(sentence) == true)
}

@Test(arguments: ["", "12", "[1, 2", "[[1, 2]]", "{}", "[]"])
func aBodyThatIsNoExampleIsRefused(body: String) async throws {
  let model = try PageModels.digits.get()
  for type in ["application/json", "application/octet-stream"] {
    let (status, reply) = try await post(model, Array(body.utf8), type: type)
    #expect(status == 400)
    #expect(try JSONDecoder().decode([String: String].self, from: reply)["error"]?.isEmpty == false)
  }
}

@Test func valuesThatAreNotFiniteAreRefused() async throws {
  let model = try PageModels.digits.get()
  let (status, _) = try await post(model, PageModels.bytes(Array(repeating: .nan, count: 784)))
  #expect(status == 400)
}

/// A service of one network, and of an average of two.
private func withPages(_ body: (PageHandler, _ one: Model, _ average: [Model]) async throws -> Void) async throws {
  let one = try model(smallNetwork, seed: 1, classes: ["a", "b", "c"])
  let average = try [2, 3].map { try model(smallNetwork, seed: $0, classes: ["d", "e", "f"]) }
  try await withService([("one", try ModelEnsemble([one])), ("two", try ModelEnsemble(average))]) { service, _, _ in
    try await body(PageHandler(service), one, average)
  }
}

@Test func theAddressChoosesTheModelAndTheNetworkOfAnAverage() async throws {
  try await withPages { handler, one, average in
    let row: [Float] = [0.5, -1, 2, 0.25]
    for (query, network, name, member, members) in [
      ([:], one, "one", 1, 1), (["model": "one"], one, "one", 1, 1), (["model": "two"], average[0], "two", 1, 2),
      (["model": "two", "member": "2"], average[1], "two", 2, 2),
    ] {
      let page = await handler.respond(to: ServerRequest(method: "GET", path: "/", query: query))
      #expect(page.status == 200)
      for part in [
        "\"name\":\"\(name)\"", "\"models\":[\"one\",\"two\"]", "\"member\":\(member),", "\"members\":\(members),",
      ] { #expect(page.text.contains(part), "\(query) \(part)") }
      let answer = await handler.respond(
        to: ServerRequest(
          method: "POST", path: "/activations", query: query, headers: ["content-type": "application/octet-stream"],
          body: PageModels.bytes(row)))
      let reply = try JSONDecoder().decode(PageReply.self, from: Data(answer.bytes))
      let activations = try network.activations(of: Tensor(row, shape: [1, 4]), mode: .running)
      #expect(reply.outputs.values == network.predictions(of: activations))
      #expect(reply.outputs.names == network.output?.classLabels)
    }
  }
}

@Test(arguments: [
  (["model": "three"], "There is no model \"three\"; expected one or two."),
  (["model": "two", "member": "3"], "Model \"two\" has no member 3; expected 1 to 2."),
  (["member": "0"], "Model \"one\" has no member 0; expected 1 to 1."),
  (["model": "two", "member": "x"], "Model \"two\" has no member x; expected 1 to 2."),
])
func whatIsNotThereIsNotShown(query: [String: String], sentence: String) async throws {
  try await withPages { handler, _, _ in
    for (method, path) in [("GET", "/"), ("POST", "/activations")] {
      let answer = await handler.respond(to: ServerRequest(method: method, path: path, query: query))
      #expect(answer.status == 404)
      let reply = try JSONDecoder().decode([String: String].self, from: Data(answer.bytes))
      #expect(reply == ["error": sentence])
    }
  }
}

@Test(arguments: [("DELETE", "/", 405), ("GET", "/activations", 405), ("GET", "/other", 404)])
func otherRequestsAreRefused(method: String, path: String, status: Int) async throws {
  let handler = PageHandler(try PageModels.digits.get(), name: "model")
  let response = await handler.respond(to: ServerRequest(method: method, path: path))
  #expect(response.status == status)
}

@Test func largeLayersAreShownInPart() async throws {
  let model = try Model(
    Network(input: [100, 150, 3]) {
      Convolution(70, kernel: 1)
      GlobalAveragePool()
      Dense(1500)
    })
  let (status, body) = try await post(model, PageModels.bytes((0..<45_000).map { Float($0 % 251) }))
  #expect(status == 200)
  let layers = try JSONDecoder().decode(PageReply.self, from: body).layers
  #expect((layers[0].maps?.height, layers[0].maps?.width) == (34, 50))
  #expect(layers[0].maps?.bytes.count == 64 * 34 * 50)
  #expect(layers.map(\.mean.count) == [64, 70, 1024])
  #expect(layers.map(\.channels) == [70, 70, 1500])
}
