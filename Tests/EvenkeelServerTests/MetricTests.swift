import Evenkeel
import EvenkeelServer
import EvenkeelTestSupport
import Testing

private func value(_ text: String, _ sample: String) -> Double? {
  text.split(separator: "\n").first { $0.hasPrefix(sample + " ") }.flatMap {
    Double($0.dropFirst(sample.utf8.count + 1))
  }
}

@Test func metricsCountRequestsRowsAndFailures() async throws {
  try await withClasses { _, gate, _ in
    for _ in 0..<3 { _ = await gate.post("/v2/models/small/infer", request(fourRows)) }
    _ = await gate.post("/v2/models/small/infer", "{")
    _ = await gate.post("/predict/small", "[[1,2,3,4]]")
    let text = await gate.get("/metrics").text
    let labels = "{model=\"small\",version=\"1\""
    #expect(value(text, "evenkeel_request_success_total\(labels)}") == 4)
    #expect(value(text, "evenkeel_request_failure_total\(labels),reason=\"bad_request\"}") == 1)
    #expect(value(text, "evenkeel_inference_count_total\(labels)}") == 13)
    #expect(value(text, "evenkeel_request_duration_seconds_bucket\(labels),le=\"+Inf\"}") == 4)
    #expect(value(text, "evenkeel_request_duration_seconds_count\(labels)}") == 4)
    #expect(value(text, "evenkeel_pending_rows\(labels)}") == 0)
    #expect(value(text, "process_resident_memory_bytes")! > 1e6)
    #expect(value(text, "evenkeel_build_info{version=\"\(Release.version)\"}") == 1)
    // Parts of a histogram grow with their limits, and every metric is described before its samples.
    let buckets = text.split(separator: "\n").filter { $0.hasPrefix("evenkeel_batch_rows_bucket") }
      .map { Double($0.split(separator: " ")[1])! }
    #expect(buckets == buckets.sorted() && buckets.count == 12)
    var described: Set<Substring> = []
    for line in text.split(separator: "\n") {
      if line.hasPrefix("# TYPE ") { described.insert(line.split(separator: " ")[2]) }
      guard !line.hasPrefix("#") else { continue }
      let name = line.prefix { $0 != "{" && $0 != " " }
      #expect(described.contains { name.hasPrefix($0) }, "\(line)")
    }
    let statistics = await gate.get("/v2/models/small/stats").text
    #expect(statistics.contains("\"inference_count\":13") && statistics.contains("\"success\":{\"count\":4,\"ns\":"))
  }
}

@Test func inputsUnlikeThoseOfTrainingAreSeenAtTheFirstNorm() async throws {
  // The norm remembers inputs of mean 1 and variance 4.
  let network = Network(input: [3]) {
    BatchNorm(); Dense(2)
  }
  var model = try Model(network)
  try model.setBuffer("0.running_mean", to: Tensor([1, 1, 1], shape: [3]))
  try model.setBuffer("0.running_var", to: Tensor([4, 4, 4], shape: [3]))
  let served = try ServedModel(try ModelEnsemble([model]), name: "a", version: 1, options: BatcherOptions())
  func serve(mean: Float, deviation: Float) async throws {
    var random = RandomNumbers(RandomKey(seed: 6))
    let values = (0..<3 * 40_000).map { _ in mean + deviation * Float(random.normal()) }
    _ = try await served.batcher.predict([Dataset(values, shape: [3])])
  }
  let shift = try #require(served.shift)
  #expect(shift.layer == "0")
  try await serve(mean: 1, deviation: 2)
  var now = try #require(shift.shift)
  #expect(now.meanShift < 0.2 && (0.7...1.4).contains(now.varianceRatio), "\(now)")
  // Older rows are forgotten.
  for _ in 0..<8 { try await serve(mean: 5, deviation: 4) }
  now = try #require(shift.shift)
  #expect((1.8...2.2).contains(now.meanShift) && (3...5).contains(now.varianceRatio), "\(now)")
}
