import Evenkeel

/// Answers requests for a service's models: the Open Inference Protocol, version 2; `/predict` for people; `/metrics`.
package struct ServiceHandler: RequestHandler {
  private let service: InferenceService
  private let options: BatcherOptions
  /// Answers paths that this one does not know; nil: nobody does.
  private let further: (any RequestHandler)?

  package init(_ service: InferenceService, options: BatcherOptions, further: (any RequestHandler)? = nil) {
    (self.service, self.options, self.further) = (service, options, further)
  }

  package func respond(to request: ServerRequest) async -> ServerResponse {
    do {
      let parts = request.path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
      switch parts.first {
      case "v2": return try await protocolAnswer(request, Array(parts.dropFirst()))
      case "predict" where parts.count <= 2: return try await predict(request, model: parts.count == 2 ? parts[1] : nil)
      case "metrics" where parts.count == 1:
        try request.require("GET")
        return ServerResponse(
          status: 200, headers: [("Content-Type", PrometheusText.mediaType)],
          body: .bytes(Array(service.prometheusText.utf8)))
      default:
        if let further { return await further.respond(to: request) }
        throw request.unknownPath
      }
    } catch { return ServerFailure(error).response }
  }

  // ---- the protocol ---------------------------------------------------------------------------------------------------

  private func protocolAnswer(_ request: ServerRequest, _ parts: [String]) async throws -> ServerResponse {
    switch (parts.first, parts.count) {
    case (nil, 0):
      try request.require("GET")
      return try Self.json(
        ServerMetadata(
          name: "evenkeel", version: Release.version,
          extensions: ["binary_tensor_data", "statistics", "classification"]))
    case ("health", 2) where parts[1] == "live":
      try request.require("GET")
      return ServerResponse(status: 200)
    case ("health", 2) where parts[1] == "ready":
      try request.require("GET")
      try requireReady()
      return ServerResponse(status: 200)
    case ("models", 2...):
      let hasVersion = parts.count > 3 && parts[2] == "versions"
      let model = try service.model(parts[1], version: hasVersion ? parts[3] : nil)
      return try await answer(request, of: model, Array(parts.dropFirst(hasVersion ? 4 : 2)))
    default: throw request.unknownPath
    }
  }

  private func requireReady() throws {
    switch service.phase {
    case .ready: return
    case .loading: throw ServerFailure(503, "The models are being read.", retryAfter: 1)
    case .draining: throw ServerFailure(503, "The server is about to stop.", retryAfter: 1)
    }
  }

  private func answer(_ request: ServerRequest, of model: ServedModel, _ parts: [String]) async throws -> ServerResponse
  {
    switch (parts.first, parts.count) {
    case (nil, _):
      try request.require("GET")
      return try Self.json(ModelMetadata(model))
    case ("ready", 1):
      try request.require("GET")
      try requireReady()
      return ServerResponse(status: 200)
    case ("config", 1):
      try request.require("GET")
      return try Self.json(ModelConfiguration(model, options))
    case ("stats", 1):
      try request.require("GET")
      return try Self.json(ServiceStatistics(model))
    case ("infer", 1): return try await infer(request, model)
    default: throw request.unknownPath
    }
  }

  private func infer(_ request: ServerRequest, _ model: ServedModel) async throws -> ServerResponse {
    let start = Clock.now
    return try await counting(model, since: start) {
      try request.require("POST")
      switch request.mediaType {
      // curl calls everything a form unless it is told otherwise.
      case nil, "application/json", "application/octet-stream", "application/x-www-form-urlencoded": break
      case let type?:
        throw ServerFailure(415, "\(type) is not read; expected application/json or application/octet-stream.")
      }
      let header = request.headers["inference-header-content-length"]
      let jsonCount = header.flatMap { Int($0) }
      if let header, jsonCount == nil {
        throw ServerFailure(400, "Inference-Header-Content-Length is \"\(header)\"; expected a number of bytes.")
      }
      return try await model.infer(request.body, jsonCount: jsonCount, start: start)
    }
  }

  private func predict(_ request: ServerRequest, model name: String?) async throws -> ServerResponse {
    let start = Clock.now
    let models = service.models
    guard let name = name ?? (models.count == 1 ? models[0].name : nil) else {
      throw ServerFailure(
        404, "There are several models; choose one: \(models.map { "/predict/\($0.name)" }.alternatives).")
    }
    let model = try service.model(name)
    return try await counting(model, since: start) {
      try request.require("POST")
      return try await PlainPrediction.answer(request, by: model, start: start)
    }
  }

  /// What `body` gives; a failure is counted as one of `model`.
  private func counting(
    _ model: ServedModel, since start: Int, _ body: () async throws -> ServerResponse
  ) async throws -> ServerResponse {
    do { return try await body() } catch {
      let failure = ServerFailure(error)
      model.metrics.failed(failure.reason, after: Clock.now - start)
      throw failure
    }
  }

  private static func json(_ value: some Encodable) throws -> ServerResponse {
    ServerResponse(json: try JSONLine.text(value))
  }
}

extension ServerRequest {
  var unknownPath: ServerFailure { ServerFailure(404, "There is nothing at \(path).") }

  /// - Throws: `ServerFailure` with status 405 for another method.
  func require(_ wanted: String) throws {
    guard method != wanted else { return }
    throw ServerFailure(
      405, "\(path) is for \(wanted == "GET" ? "GET and HEAD" : wanted), not for \(method).", allowed: wanted)
  }
}

extension ServerFailure {
  /// What a client is told of `error`: what is wrong with the data is the client's, all else the server's.
  init(_ error: any Error) {
    switch error {
    case let failure as ServerFailure: self = failure
    case let error as EvenkeelError where [.data, .usage].contains(error.code): self.init(400, error.message)
    default: self.init(500, "\(error)")
    }
  }
}
