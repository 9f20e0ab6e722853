import Evenkeel

/// The page of a model: draw a digit, or fill in a row of a table, and watch what every layer makes of it.
///
/// It answers two requests. `GET /` gives the page, one file of HTML that loads nothing else. `POST /activations` takes one example
/// and gives what every layer makes of it; Documentation/Page.md says how both look.
public struct PageHandler: RequestHandler {
  private let model: Model
  private let page: [UInt8]

  /// - Parameter name: What the page calls the model.
  /// - Throws: `EvenkeelError` if the digits that the page shows cannot be drawn.
  public init(_ model: Model, name: String) throws {
    self.model = model
    page = Array(try PageText.html(of: model, name: name).utf8)
  }

  public func respond(to request: ServerRequest) async -> ServerResponse {
    switch (request.method, request.path) {
    case ("GET", "/"), ("HEAD", "/"):
      ServerResponse(
        status: 200,
        headers: [
          ("content-type", "text/html; charset=utf-8"), ("cache-control", "no-cache"),
          ("content-security-policy", Self.policy), ("x-content-type-options", "nosniff"),
          ("referrer-policy", "no-referrer"),
        ], body: .bytes(request.method == "HEAD" ? [] : page))
    case ("POST", "/activations"): reply(to: request)
    case (_, "/"): .refusal(405, "The page takes GET, got \(request.method).", allow: "GET, HEAD")
    case (_, "/activations"): .refusal(405, "/activations takes POST, got \(request.method).", allow: "POST")
    default: .refusal(404, "There is nothing at \(request.path); expected / or /activations.")
    }
  }

  /// The page's own script and style, requests to where it came from, pictures that it makes itself, and nothing else.
  private static let policy =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'"

  private func reply(to request: ServerRequest) -> ServerResponse {
    do {
      let query = try ActivationQuery(request.query)
      let example = try model.example(request.body, type: request.headers["content-type"] ?? "")
      let reply = try ActivationReply(model, try model.activations(of: example, mode: query.mode), query)
      return ServerResponse(
        status: 200, headers: [("content-type", "application/json"), ("cache-control", "no-store")],
        body: .bytes(Array(try JSONLine.text(reply).utf8)))
    } catch let error as EvenkeelError {
      return .refusal(error.code == .internal ? 500 : 400, error.message)
    } catch {
      return .refusal(500, "\(error)")
    }
  }
}

/// What `POST /activations` asks for.
struct ActivationQuery {
  /// `mode`: running, own or none.
  let mode: NormalizationMode
  /// `layer` and `channel`: the channel of a layer whose values are wanted one by one.
  let channel: (layer: String, index: Int)?

  /// - Throws: `EvenkeelError` with code `usage` that names the parameter.
  init(_ query: [String: String]) throws {
    let name = query["mode"] ?? NormalizationMode.running.rawValue
    guard let mode = NormalizationMode(rawValue: name) else {
      let names = NormalizationMode.allCases.map(\.rawValue).alternatives
      throw EvenkeelError.usage("mode: expected \(names), got \"\(name)\".")
    }
    self.mode = mode
    guard let layer = query["layer"] else {
      channel = nil
      return
    }
    guard let index = (query["channel"]).flatMap({ Int($0) }), index >= 0 else {
      throw EvenkeelError.usage(
        "channel: expected the number of a channel of layer \(layer), got \"\(query["channel"] ?? "")\".")
    }
    channel = (layer, index)
  }
}

extension ServerResponse {
  /// An error as `{"error": …}`.
  fileprivate static func refusal(_ status: Int, _ message: String, allow: String? = nil) -> ServerResponse {
    ServerResponse(
      status: status, headers: [("content-type", "application/json")] + (allow.map { [("allow", $0)] } ?? []),
      body: .bytes(Array(((try? JSONLine.text(["error": message])) ?? "{}").utf8)))
  }
}
