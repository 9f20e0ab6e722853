import Evenkeel
import EvenkeelServer
import EvenkeelTestSupport
import FoundationEssentials
import Testing

/// Numbers, some missing, categories, dates, and categories that are numbers.
private let table: String = {
  var text = "age,ocean,day,zip,price\n"
  for row in 0..<120 {
    let age = row % 11 == 0 ? "" : "\(Double(row * 37 % 90) / 4)"
    let ocean = ["INLAND", "NEAR BAY", "ISLAND, far"][row % 3]
    text += "\(age),\"\(ocean)\",2024-0\(1 + row % 9)-1\(row % 10),z\(row % 4),\(row % 3 * 10 + row % 7)\n"
  }
  return text
}()

private func trained(_ path: String, task: [String] = []) throws -> ModelEnsemble {
  let parts = try Dataset.read(path, target: "price")
  var model = try Model(Network.multilayer(input: parts.training.shape.count, hidden: [8], outputs: 1))
  try Trainer(loss: .meanSquaredError, optimizer: .adam(learningRate: 0.01), batchSize: 20, threads: 1)
    .fit(&model, to: parts.training, epochs: 2)
  return try ModelEnsemble([model])
}

@Test func aTableTakesColumnsByNameRowsAndCSVWithTheSameAnswers() async throws {
  let (ensemble, expected) = try withTemporaryPath(".csv", containing: table) { path in
    let ensemble = try trained(path)
    let data = try Dataset.readForUse(path, by: ensemble.members[0], targets: false).dataset
    return (ensemble, try (0..<2).map { try ensemble.members[0].predict(data.subset([$0])).values[0] })
  }
  try await withService([("houses", ensemble)]) { _, gate, _ in
    let metadata = await gate.get("/v2/models/houses").text
    for input in [
      "{\"name\":\"age\",\"datatype\":\"FP32\",\"shape\":[-1,1]}",
      "{\"name\":\"ocean\",\"datatype\":\"BYTES\",\"shape\":[-1,1]}",
      "{\"name\":\"day\",\"datatype\":\"BYTES\",\"shape\":[-1,1]}",
    ] { #expect(metadata.contains(input), "\(metadata)") }
    // The first two rows, of which the first has no age.
    let columns =
      "{\"inputs\":[{\"name\":\"age\",\"datatype\":\"FP32\",\"shape\":[2,1],\"data\":[null,9.25]},"
      + "{\"name\":\"ocean\",\"datatype\":\"BYTES\",\"shape\":[2],\"data\":[\"INLAND\",\"NEAR BAY\"]},"
      + "{\"name\":\"day\",\"datatype\":\"BYTES\",\"shape\":[2,1],\"data\":[\"2024-01-10\",\"2024-02-11\"]},"
      + "{\"name\":\"zip\",\"datatype\":\"BYTES\",\"shape\":[2,1],\"data\":[\"z0\",\"z1\"]}]}"
    let answer = await gate.post("/v2/models/houses/infer", columns)
    #expect(answer.text.contains("\"data\":[\(expected[0]),\(expected[1])]"), "\(answer.text)")
    let rows =
      "{\"rows\":[{\"ocean\":\"INLAND\",\"day\":\"2024-01-10\",\"zip\":\"z0\"},{\"age\":9.25,\"ocean\":\"NEAR BAY\",\"day\":\"2024-02-11\",\"zip\":\"z1\"}]}"
    let people = await gate.post("/predict", rows)
    #expect(people.text == "{\"predictions\":[\n{\"price\":\(expected[0])},\n{\"price\":\(expected[1])}\n]}\n")
    let csv = table.split(separator: "\n").prefix(3).joined(separator: "\n") + "\n"
    #expect(await gate.post("/predict/houses", csv, headers: ["content-type": "text/csv"]).text == people.text)
    #expect(
      await gate.post("/predict", csv, headers: ["content-type": "application/x-www-form-urlencoded"]).text
        == people.text)
    let unseen = await gate.post("/predict", "[{\"ocean\":\"MOON\",\"age\":1,\"day\":\"2024-01-10\",\"zip\":\"z0\"}]")
      .text
    #expect(unseen.contains("\"warnings\":[") && unseen.contains("MOON"), "\(unseen)")
    for (body, sentence) in [
      ("[{\"age\":\"old\"}]", "column age: expected a number, got \\\"old\\\""), ("[]", "no rows"),
      ("[{\"x\":1}]", "Row 1 has none of the columns age"), ("[{\"age\":[1]}]", "expected a number or a text"),
      ("[1]", "Row 1 is no object"), ("{\"data\":[]}", "expected \\\"rows\\\""), ("{}", "no \\\"rows\\\""),
      ("[{\"age\":1,\"day\":\"soon\"}]", "expected a date"),
    ] {
      let refused = await gate.post("/predict", body, headers: ["content-type": "application/json"])
      #expect(refused.status == 400 && refused.text.contains(sentence), "\(refused.text)")
    }
    let missing = columns.replacing("\"zip\"", with: "\"zap\"")
    #expect(await gate.post("/v2/models/houses/infer", missing).text.contains("takes the inputs \\\"age\\\""))
  }
}

/// Decimal commas, a number that stands for a missing cell, and categories that are numbers with a fraction.
@Test func numbersOfJSONAreWhatTheyAreInAFileOfJSON() async throws {
  var text = "size;code;price\n"
  for row in 0..<120 {
    text +=
      "\(row % 9 == 0 ? "-999" : "\(row * 37 % 90),\(row % 10)");\(["1.0", "2.0", "x"][row % 3]);\(row % 3 * 10 + row % 7)\n"
  }
  let rows = [
    "{\"size\": 1.234, \"code\": 1.0}", "{\"size\": -999, \"code\": \"x\"}", "{\"size\": null, \"code\": 2.0}",
    "{\"size\": \"1,5\", \"code\": 2}", "{\"size\": 1e1, \"code\": \"1.0\"}",
  ]
  let (ensemble, expected) = try withTemporaryPath(".csv", containing: text) { path in
    let parts = try Dataset.read(path, target: "price", options: TableOptions(missing: ["-999"]))
    var model = try Model(Network.multilayer(input: parts.training.shape.count, hidden: [8], outputs: 1))
    try Trainer(loss: .meanSquaredError, optimizer: .adam(learningRate: 0.01), batchSize: 20, threads: 1)
      .fit(&model, to: parts.training, epochs: 2)
    return try withTemporaryPath(".jsonl", containing: rows.joined(separator: "\n") + "\n") { path in
      let data = try Dataset.readForUse(path, by: model, targets: false).dataset
      return (try ModelEnsemble([model]), try (0..<rows.count).map { try model.predict(data.subset([$0])).values[0] })
    }
  }
  // The second and the third differ by their codes only.
  #expect(Set(expected).count == rows.count)
  try await withService([("houses", ensemble)]) { _, gate, _ in
    let answer = await gate.post("/predict", "[\(rows.joined(separator: ","))]").text
    let lines = expected.map { "{\"price\":\($0)}" }.joined(separator: ",\n")
    #expect(answer.hasPrefix("{\"predictions\":[\n\(lines)\n]"), "\(answer)")
    let unknown = await gate.post("/predict", "[{\"size\":1,\"cod\":\"x\"}]").text
    #expect(unknown.contains("Row 1: the model has no column \\\"cod\\\"."), "\(unknown)")
    for (body, sentence) in [
      ("[{\"size\":true,\"code\":1}]", "expected a number"),
      ("[{\"size\":1,\"size\":2}]", "the key \\\"size\\\" appears twice"),
    ] {
      let refused = await gate.post("/predict", body)
      #expect(refused.status == 400 && refused.text.contains(sentence), "\(refused.text)")
    }
  }
}

@Test func anImageFileIsPredictedAsTheSameImageInAFolder() async throws {
  try await withTemporaryFolder { folder in
    let png = Fixture.bytes("images/gray.png")
    let path = folder + "/a.png"
    writeBytes(png, to: path)
    let shape = try ImageFile.shape(of: try FileBytes(path))
    var model = try model(
      Network(input: [12, 10, 1]) {
        Flatten(); Dense(3)
      }, classes: ["a", "b", "c"])
    model.images = ImageInput(width: 10, height: 12, channels: 1, resizing: .fit)
    #expect(shape.dimensions != [12, 10, 1], "it is resized")
    let data = try Dataset.readForUse(path, by: model, targets: false).dataset
    let expected = try model.predict(data).values
    try await withService([("pictures", try ModelEnsemble([model]))]) { _, gate, _ in
      for type in ["image/png", nil] {
        let answer = await gate.post("/predict", png, headers: type.map { ["content-type": $0] } ?? [:])
        for value in expected { #expect(answer.text.contains(":\(value)"), "\(answer.text)") }
      }
      let body =
        "{\"inputs\":[{\"name\":\"input\",\"datatype\":\"BYTES\",\"shape\":[1],\"data\":[\"\(Data(png).base64EncodedString())\"]}]}"
      let answer = await gate.post("/v2/models/pictures/infer", body)
      #expect(
        answer.text.contains("\"data\":[\(expected.map(\.description).joined(separator: ","))]"), "\(answer.text)")
      let broken = await gate.post("/predict", Array(png.prefix(40)), headers: ["content-type": "image/png"])
      #expect(broken.status == 400 && broken.text.contains("Image 1"), "\(broken.text)")
    }
  }
}
