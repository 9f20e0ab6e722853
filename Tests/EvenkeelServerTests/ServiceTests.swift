import Evenkeel
import EvenkeelServer
import EvenkeelTestSupport
import FoundationEssentials
import Testing

private struct Answer: Decodable {
  struct Output: Decodable {
    let name, datatype: String
    let shape: [Int]
  }
  let model_name, model_version: String
  let id: String?
  let outputs: [Output]
}

private func json<Content: Decodable>(_ response: ServerResponse, as type: Content.Type = Content.self) throws
  -> Content
{
  try JSONDecoder().decode(type, from: Data(response.bytes))
}

private func probabilities(_ rows: [[Float]]) throws -> [Float] {
  let model = try model(smallNetwork, classes: ["a", "b", "c"])
  return try rows.flatMap { try model.predict($0) }
}

@Test func theServerSaysWhatItIs() async throws {
  try await withClasses { _, gate, _ in
    for path in ["/v2/health/live", "/v2/health/ready", "/v2/models/small/ready", "/v2/models/small/versions/1/ready"] {
      let response = await gate.get(path)
      #expect(response.status == 200 && response.bytes.isEmpty)
    }
    #expect(
      await gate.get("/v2/").text
        == "{\"name\":\"evenkeel\",\"version\":\"\(Release.version)\",\"extensions\":[\"binary_tensor_data\",\"statistics\",\"classification\"]}"
    )
    #expect(
      await gate.get("/v2/models/small").text
        == "{\"name\":\"small\",\"versions\":[\"1\"],\"platform\":\"evenkeel\",\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\",\"shape\":[-1,4]}],\"outputs\":[{\"name\":\"label\",\"datatype\":\"BYTES\",\"shape\":[-1]},{\"name\":\"probabilities\",\"datatype\":\"FP32\",\"shape\":[-1,3]}]}"
    )
    let config = await gate.get("/v2/models/small/config").text
    #expect(config.contains("\"max_batch_size\":64") && config.contains("\"data_type\":\"TYPE_STRING\""))
    let head = await gate.respond(to: ServerRequest(method: "HEAD", path: "/v2"))
    #expect(head.status == 200 && head.bytes.isEmpty && Int(head.header("Content-Length") ?? "")! > 20)
  }
}

@Test func valuesComeBackAsTheLibraryPredictsThemInJSONAndInBytes() async throws {
  let expected = try probabilities(fourRows)
  try await withClasses { _, gate, _ in
    let text = await gate.post("/v2/models/small/infer", request(fourRows, more: ",\"id\":\"ä\\\"1\""))
    let answer: Answer = try json(text)
    #expect(text.status == 200 && answer.id == "ä\"1" && answer.model_name == "small" && answer.model_version == "1")
    #expect(answer.outputs.map(\.name) == ["label", "probabilities"])
    #expect(answer.outputs.map(\.shape) == [[4], [4, 3]])
    // Every number in the text is read as the same float.
    #expect(text.text.contains("\"data\":[\(expected.map(\.description).joined(separator: ","))]"))

    let (body, headers) = binaryRequest(
      fourRows, more: ",\"outputs\":[{\"name\":\"probabilities\",\"parameters\":{\"binary_data\":true}}]")
    let binary = await gate.post("/v2/models/small/versions/1/infer", body, headers: headers)
    let count = try #require(Int(binary.header("Inference-Header-Content-Length") ?? ""))
    #expect(binary.header("Content-Type") == "application/octet-stream")
    #expect(Array(binary.bytes[count...]) == expected.flatMap { littleEndian($0.bitPattern) })
    #expect(String(decoding: binary.bytes[..<count], as: UTF8.self).contains("\"binary_data_size\":48"))
  }
}

@Test func theMostProbableClassesComeAsTexts() async throws {
  let row = try probabilities([fourRows[0]])
  let names = ["cat", "dog", "\\\"Äpfel\\\""]
  let order = [0, 1, 2].sorted { row[$0] > row[$1] }
  try await withClasses { _, gate, _ in
    let answer = await gate.post(
      "/v2/models/small/infer",
      request(
        [fourRows[0]],
        more: ",\"outputs\":[{\"name\":\"probabilities\",\"parameters\":{\"classification\":2}},{\"name\":\"label\"}]"))
    let texts = order.prefix(2).map { "\"\(row[$0]):\($0):\(names[$0])\"" }
    #expect(answer.text.contains("\"datatype\":\"BYTES\",\"data\":[\(texts.joined(separator: ","))]"), "\(answer.text)")
    #expect(answer.text.contains("\"data\":[\"\(names[order[0]])\"]"))
  }
}

@Test(arguments: ["gzip", "deflate"])
func bodiesMayBeCompressedBothWays(_ name: String) async throws {
  let coding = try #require(BodyCoding(rawValue: name))
  try await withClasses { _, gate, _ in
    let rows = Array(repeating: fourRows[0], count: 50)
    let plain = await gate.post("/v2/models/small/infer", request(rows))
    let body = try #require(coding.deflated(Array(request(rows).utf8)))
    let answer = await gate.post(
      "/v2/models/small/infer", body, headers: ["content-encoding": name, "accept-encoding": "br, \(name);q=0.5"])
    #expect(answer.header("Content-Encoding") == name)
    #expect(try coding.inflated(answer.bytes, limit: 1 << 20) == plain.bytes)
    // 2 MB of zeros in 2 kB.
    let bomb = try #require(coding.deflated([UInt8](repeating: 48, count: 2 << 20)))
    #expect(bomb.count < 1 << 14)
    #expect(await gate.post("/v2/models/small/infer", bomb, headers: ["content-encoding": name]).status == 413)
    #expect(await gate.post("/v2/models/small/infer", [1, 2, 3], headers: ["content-encoding": name]).status == 400)
  }
}

@Test func whatCannotBeAnsweredHasItsStatusAndASentence() async throws {
  try await withClasses { _, gate, _ in
    let good = request(fourRows)
    let infer = "/v2/models/small/infer"
    for (method, path, headers, body, status, sentence) in [
      ("GET", "/", [:], "", 404, "nothing at /"), ("GET", "/v2/models", [:], "", 404, "nothing at"),
      ("GET", "/v2/models/other", [:], "", 404, "no model \\\"other\\\"; expected small"),
      ("POST", "/v2/models/small/versions/2/infer", [:], good, 404, "no version 2; expected 1"),
      ("GET", "/v2/models/small/weights", [:], "", 404, "nothing at"),
      ("GET", infer, [:], "", 405, "is for POST"), ("POST", "/v2", [:], "", 405, "GET and HEAD"),
      ("DELETE", "/metrics", [:], "", 405, "GET and HEAD"),
      ("POST", infer, ["content-type": "text/csv"], good, 415, "text/csv is not read"),
      ("POST", infer, ["content-encoding": "br"], good, 415, "expected gzip or deflate"),
      ("POST", infer, ["inference-header-content-length": "x"], good, 400, "expected a number of bytes"),
      ("POST", infer, [:], "{", 400, "JSON, byte 1"),
      (
        "POST", infer, [:], request([[1, 2, 3, 4]], more: ",\"outputs\":[{\"name\":\"x\"}]"), 400, "no output \\\"x\\\""
      ),
      ("POST", infer, [:], good.replacing("\"input\"", with: "\"x\""), 400, "takes the inputs \\\"input\\\""),
      ("POST", infer, [:], good.replacing("[4,4]", with: "[2,8]"), 400, "has the shape [2, 8]; expected [-1, 4]"),
      ("POST", infer, [:], good.replacing("[4,4]", with: "[0,4]"), 400, "asks for 0"),
      ("POST", infer, [:], good.replacing("0.5", with: "null"), 400, "Row 1 holds no number (value 1 of 4)"),
      ("POST", infer, [:], good.replacing("0.5", with: "1e39"), 400, "Row 1 holds 1e+39, which is out of range"),
      ("POST", infer, [:], good.replacing("0.5", with: "1e400"), 400, "expected a number that a double holds"),
      (
        "POST", infer, [:], good.replacing("FP32", with: "UINT8").replacing("0.5", with: "300"), 400,
        "holds 300.0, which is no UINT8"
      ),
      (
        "POST", infer, [:], good.replacing("{\"inputs\"", with: "{\"id\":\"1\",\"id\":\"2\",\"inputs\""), 400,
        "appears twice"
      ),
      ("POST", "/predict", [:], "1,2,3,4\n", 415, "neither JSON nor a PNG"),
      ("POST", "/predict", [:], "[[1,2,3,4],[5,6,7]]", 400, "Row 2 has 3 numbers; expected 4"),
      ("POST", "/predict", [:], "[[1,2,3],[4,5,6,7,8]]", 400, "Row 1 has 3 numbers; expected 4"),
      ("POST", "/predict", [:], "[1,2,3,4,5,6,7,8]", 400, "Row 1 has 8 numbers; expected 4"),
    ] as [(String, String, [String: String], String, Int, String)] {
      let response = await gate.respond(
        to: ServerRequest(method: method, path: path, headers: headers, body: Array(body.utf8)))
      #expect(response.status == status, "\(path) \(response.text)")
      #expect(response.text.hasPrefix("{\"error\":\"") && response.text.contains(sentence), "\(response.text)")
      #expect((response.header("Allow") != nil) == (status == 405))
    }
    // Still there; doubles have their own range, and a mark of UTF-8 says nothing.
    #expect(await gate.post(infer, good).status == 200)
    #expect(
      await gate.post(infer, good.replacing("FP32", with: "FP64").replacing("0.5", with: "1e39")).text.contains(
        "out of range") == false)
    #expect(await gate.post("/predict", [0xef, 0xbb, 0xbf] + Array("[1,2,3,4]".utf8)).status == 200)
  }
}

@Test func aTokenIsAskedForButOfTheHealth() async throws {
  let ensemble = try ModelEnsemble([model(smallNetwork)])
  try await withService([("a", ensemble)], token: "secret") { _, gate, _ in
    for given in [nil, "secret", "Bearer", "Bearer ", "Bearer secre", "Bearer secrett", "Basic secret"] {
      let answer = await gate.get("/v2", headers: given.map { ["authorization": $0] } ?? [:])
      #expect(answer.status == 401 && answer.header("WWW-Authenticate") == "Bearer")
    }
    for given in ["Bearer secret", "bearer secret"] {
      #expect(await gate.get("/v2", headers: ["authorization": given]).status == 200)
    }
    #expect(await gate.get("/v2/health/ready").status == 200)
  }
}

@Test func aModelThatChangesIsReadAgainAndAnswersGoOn() async throws {
  try await withClasses { service, gate, folder in
    let path = folder + "/small.safetensors"
    #expect(service.reload(all: false).isEmpty)
    let before = await gate.post("/predict", "[[1,2,3,4]]").text
    writeBytes(Array("no model".utf8), to: path)
    let failed = service.reload(all: false)
    #expect(failed.count == 1 && failed[0].contains(path) && failed[0].hasSuffix("Version 1 goes on."), "\(failed)")
    // Told once.
    #expect(service.reload(all: false).isEmpty)
    #expect(await gate.post("/predict", "[[1,2,3,4]]").text == before)
    let old = try service.model("small")
    try ModelEnsemble([model(smallNetwork, seed: 77, classes: ["x", "y", "z"])]).write(to: path)
    #expect(service.reload(all: false) == ["\(path): model \"small\" is version 2 now."])
    #expect(await gate.post("/predict", "[[1,2,3,4]]").text != before)
    #expect(await gate.get("/v2/models/small/versions/1").status == 404)
    // Who has the old one may use it.
    let row = try Dataset([1, 2, 3, 4], shape: [4])
    #expect(try await old.batcher.predict([row]).values.count == 3)
  }
}

@Test func drainingIsSaidAndWhatComesIsStillAnswered() async throws {
  try await withClasses { service, gate, _ in
    service.drain()
    for path in ["/v2/health/ready", "/v2/models/small/ready"] {
      let answer = await gate.get(path)
      #expect(answer.status == 503 && answer.header("Retry-After") != nil)
    }
    #expect(await gate.get("/v2/health/live").status == 200)
    #expect(await gate.post("/v2/models/small/infer", request(fourRows)).status == 200)
  }
}

@Test func severalModelsAnswerByTheirNamesAndOthersAnswerWhatIsNotKnown() async throws {
  struct Page: RequestHandler {
    func respond(to request: ServerRequest) async -> ServerResponse {
      ServerResponse(status: 200, body: .bytes(Array(request.path.utf8)))
    }
  }
  let ensemble = try ModelEnsemble([model(smallNetwork)])
  try await withService([("a b", ensemble), ("b", ensemble)], further: Page()) { _, gate, _ in
    #expect(await gate.get("/v2/models/a b").status == 200)
    #expect(await gate.post("/predict", "[[1,2,3,4]]").text.contains("choose one: /predict/a b or /predict/b"))
    #expect(await gate.post("/predict/b", "[[1,2,3,4]]").status == 200)
    #expect(await gate.get("/digits/3").text == "/digits/3")
    #expect(await gate.get("/v2/x").status == 404)
  }
  expectError("Two models are called \"a\"", code: .usage) {
    let source = try InferenceService.Source(name: "a", path: "b")
    _ = try InferenceService([source, source], options: BatcherOptions())
  }
  expectError("no name for a model", code: .usage) { _ = try InferenceService.Source(name: "a/b", path: "b") }
}

@Test func numbersOfImagesAreTakenInEitherOrder() async throws {
  let network = Network(input: [4, 6, 3]) {
    Convolution(8, kernel: 3)
    BatchNorm()
    ReLU()
    Flatten()
    Dense(2)
  }
  let ensemble = try ModelEnsemble([model(network)])
  let values = (0..<72).map { Float($0 % 17) / 8 }
  func body(_ shape: [Int], _ values: [Float]) -> String {
    "{\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\",\"shape\":\(shape),\"data\":\(values)}]}"
  }
  let first = (0..<3).flatMap { channel in (0..<24).map { values[$0 * 3 + channel] } }
  try await withService([("a", ensemble)]) { _, gate, _ in
    let last = await gate.post("/v2/models/a/infer", body([1, 4, 6, 3], values))
    #expect(last.status == 200)
    #expect(await gate.post("/v2/models/a/infer", body([1, 72], values)).text == last.text)
    #expect(await gate.post("/v2/models/a/infer", body([1, 3, 4, 6], first)).text == last.text)
    #expect(await gate.post("/v2/models/a/infer", body([1, 6, 4, 3], values)).status == 400)
  }
}
