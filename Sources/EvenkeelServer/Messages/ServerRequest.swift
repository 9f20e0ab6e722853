/// What a client asks, whole.
public struct ServerRequest: Sendable {
  /// `GET`, `POST`, …
  public var method: String
  /// Between the host and the question mark, percent signs resolved.
  public var path: String
  /// After the question mark; of a name that comes twice, the last value.
  public var query: [String: String]
  /// By names in lower case.
  public var headers: [String: String]
  /// What follows the headers; empty without one.
  public var body: [UInt8]

  /// A request with these parts.
  public init(
    method: String, path: String, query: [String: String] = [:], headers: [String: String] = [:], body: [UInt8] = []
  ) {
    (self.method, self.path, self.query, self.headers, self.body) = (method, path, query, headers, body)
  }
}

extension ServerRequest {
  /// What the body is, without its parameters: `application/json`; nil if that is not said.
  package var mediaType: String? {
    headers["content-type"].map { type in
      let bytes = type.utf8.prefix { $0 != UInt8(ascii: ";") }.filter { $0 != UInt8(ascii: " ") }
      return String(decoding: bytes, as: UTF8.self).lowercased()
    }
  }
}

/// What it is answered.
public struct ServerResponse: Sendable {
  /// The status of HTTP.
  public var status: Int
  /// In the order in which they are sent; a name may come twice.
  public var headers: [(name: String, value: String)]
  /// Sent behind the headers.
  public var body: Body

  /// What follows the headers.
  public enum Body: Sendable {
    /// All of it at once.
    case bytes([UInt8])
    /// Parts that are sent as they come, until the stream ends or the client has gone.
    case stream(AsyncStream<[UInt8]>)
  }

  /// An answer with these parts.
  public init(status: Int, headers: [(name: String, value: String)] = [], body: Body = .bytes([])) {
    (self.status, self.headers, self.body) = (status, headers, body)
  }
}

/// Answers requests, several at once.
public protocol RequestHandler: Sendable {
  /// The answer, for errors too.
  func respond(to request: ServerRequest) async -> ServerResponse
}
