import Evenkeel

/// The page of models: draw a digit, or fill in a row of a table, and watch what every layer makes of it.
///
/// It answers two requests. `GET /` gives the page, one file of HTML that loads nothing else. `POST /activations` takes one example
/// and gives what every layer makes of it; Documentation/Page.md says how both look.
///
/// ```swift
/// let handler = PageHandler(try Model(contentsOf: "digits.safetensors"), name: "digits")
/// let page = await handler.respond(to: ServerRequest(method: "GET", path: "/"))
/// ```
public struct PageHandler: RequestHandler {
  /// Is asked for each request, so that a model that is read again is shown from then on.
  private let models: @Sendable () -> [PageModel]

  /// The page of `model`, which it calls `name`.
  public init(_ model: Model, name: String) {
    let models = [PageModel(name: name, networks: [model])]
    self.models = { models }
  }

  /// The page of a service's models.
  package init(_ service: InferenceService) {
    models = { service.models.map { PageModel(name: $0.name, networks: $0.ensemble.members) } }
  }

  /// The page, a walk of an example, or an error with a sentence.
  public func respond(to request: ServerRequest) async -> ServerResponse {
    do {
      switch request.path {
      case "/":
        try request.require("GET")
        return ServerResponse(
          status: 200,
          headers: [
            ("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-cache"),
            ("Content-Security-Policy", Self.policy), ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
          ], body: .bytes(Array(try PageText.html(of: try choice(request)).utf8)))
      case "/activations":
        try request.require("POST")
        return try activations(request)
      default: throw request.unknownPath
      }
    } catch { return ServerFailure(error).response }
  }

  /// The page's own script and style, requests to where it came from, pictures that it makes itself, and nothing else.
  private static let policy =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'"

  private func choice(_ request: ServerRequest) throws -> PageChoice { try PageChoice(request.query, among: models()) }

  private func activations(_ request: ServerRequest) throws -> ServerResponse {
    let query = try ActivationQuery(request.query)
    let model = try choice(request).network
    let example = try model.example(in: request)
    let reply = try ActivationReply(model, try model.activations(of: example, mode: query.mode), query)
    var response = ServerResponse(json: try JSONLine.text(reply))
    // It is gone with the next stroke of the pen: compressing it would take longer than sending it.
    response.headers.append(("Cache-Control", "no-store, no-transform"))
    return response
  }
}

/// What `POST /activations` asks for.
struct ActivationQuery {
  /// `mode`: running, own or none.
  let mode: NormalizationMode
  /// `layer` and `channel`: the channel of a layer whose values are wanted one by one.
  let channel: (layer: String, index: Int)?

  /// - Throws: `ServerFailure` with status 400 that names the parameter.
  init(_ query: [String: String]) throws {
    let name = query["mode"] ?? NormalizationMode.running.rawValue
    guard let mode = NormalizationMode(rawValue: name) else {
      let names = NormalizationMode.allCases.map(\.rawValue).alternatives
      throw ServerFailure(400, "mode: expected \(names), got \"\(name)\".")
    }
    self.mode = mode
    guard let layer = query["layer"] else {
      channel = nil
      return
    }
    let number = query["channel"] ?? ""
    guard let index = Int(number), index >= 0 else {
      throw ServerFailure(400, "channel: expected the number of a channel of layer \(layer), got \"\(number)\".")
    }
    channel = (layer, index)
  }
}
