import Evenkeel

/// A request that cannot be answered as asked: a status of HTTP and a sentence for whoever sent it.
package struct ServerFailure: Error, Hashable {
  package let status: Int
  package let message: String
  /// Seconds after which it is worth asking again; nil where that would not help.
  package let retryAfter: Int?
  /// The method that the path is for, where it is another.
  package let allowed: String?

  package init(_ status: Int, _ message: String, retryAfter: Int? = nil, allowed: String? = nil) {
    (self.status, self.message, self.retryAfter, self.allowed) = (status, message, retryAfter, allowed)
  }

  /// What metrics call it.
  package var reason: String {
    switch status {
    case 401: "unauthorized"
    case 404: "not_found"
    case 405: "method"
    case 413: "too_large"
    case 415: "media_type"
    case 499: "canceled"
    case 503: "unavailable"
    case 504: "timeout"
    case 400..<500: "bad_request"
    default: "internal"
    }
  }

  package var response: ServerResponse {
    var response = ServerResponse(json: "{\"error\":\(JSONLine.quoted(message))}", status: status)
    if let retryAfter { response.headers.append(("Retry-After", "\(retryAfter)")) }
    if let allowed { response.headers.append(("Allow", allowed == "GET" ? "GET, HEAD" : allowed)) }
    if status == 401 { response.headers.append(("WWW-Authenticate", "Bearer")) }
    return response
  }
}

extension ServerResponse {
  package init(json: String, status: Int = 200) { self.init(json: Array(json.utf8), status: status) }

  package init(json: [UInt8], status: Int = 200) {
    self.init(status: status, headers: [("Content-Type", "application/json")], body: .bytes(json))
  }
}
