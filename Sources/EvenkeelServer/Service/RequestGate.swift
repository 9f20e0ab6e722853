/// What every request passes before and after it is answered: the token, the coding of bodies, `HEAD`, a slash at the end of the path.
package struct RequestGate: RequestHandler {
  private let handler: any RequestHandler
  /// The bytes of the token that a request must show; nil for none.
  private let token: [UInt8]?
  private let greatestBody: Int

  /// Answers shorter than this are not compressed.
  private static let leastCompressed = 512

  /// - Parameters:
  ///   - token: What `Authorization: Bearer …` must hold, but for questions after the server's health; nil: nothing.
  ///   - greatestBody: The greatest number of bytes of a body when it is inflated.
  package init(_ handler: any RequestHandler, token: String?, greatestBody: Int) {
    (self.handler, self.token, self.greatestBody) = (handler, token.map { Array($0.utf8) }, greatestBody)
  }

  package func respond(to request: ServerRequest) async -> ServerResponse {
    var request = request
    let isHead = request.method == "HEAD"
    do {
      while request.path.utf8.count > 1, request.path.utf8.last == UInt8(ascii: "/") { request.path.removeLast() }
      try requireToken(request)
      if isHead { request.method = "GET" }
      try decode(&request)
    } catch let failure as ServerFailure {
      return isHead ? failure.response.withoutBody : failure.response
    } catch { return ServerFailure(500, "\(error)").response }
    let response = await handler.respond(to: request)
    return isHead ? response.withoutBody : encoded(response, for: request)
  }

  private func requireToken(_ request: ServerRequest) throws {
    guard let token, !request.path.hasPrefix("/v2/health/") else { return }
    let scheme = "bearer "
    let given = request.headers["authorization"] ?? ""
    guard given.lowercased().hasPrefix(scheme), Self.areEqual(Array(given.utf8.dropFirst(scheme.utf8.count)), token)
    else {
      throw ServerFailure(401, "The request shows no token, or another one; expected Authorization: Bearer TOKEN.")
    }
  }

  /// Takes as long wherever the first difference is.
  private static func areEqual(_ given: [UInt8], _ token: [UInt8]) -> Bool {
    var difference = given.count ^ token.count
    for (index, byte) in token.enumerated() { difference |= Int(byte ^ (index < given.count ? given[index] : 0)) }
    return difference == 0
  }

  private func decode(_ request: inout ServerRequest) throws {
    guard let name = request.headers["content-encoding"]?.lowercased(), name != "identity" else { return }
    guard let coding = BodyCoding(rawValue: name) else {
      throw ServerFailure(415, "Content-Encoding \"\(name)\" is not read; expected gzip or deflate.")
    }
    request.body = try coding.inflated(request.body, limit: greatestBody)
  }

  private func encoded(_ response: ServerResponse, for request: ServerRequest) -> ServerResponse {
    guard case .bytes(let body) = response.body, body.count >= Self.leastCompressed, !response.isFinal,
      let accepted = request.headers["accept-encoding"]?.lowercased(),
      let coding = [BodyCoding.gzip, .deflate].first(where: { Self.accepts(accepted, $0.rawValue) }),
      let result = coding.deflated(body)
    else { return response }
    var response = response
    response.headers.append(("Content-Encoding", coding.rawValue))
    response.headers.append(("Vary", "Accept-Encoding"))
    response.body = .bytes(result)
    return response
  }

  /// Whether a list of codings has `name`, and not with a weight of 0.
  private static func accepts(_ list: String, _ name: String) -> Bool {
    list.split(separator: ",").contains { entry in
      let parts = entry.split(separator: ";").map { $0.filter { $0 != " " } }
      guard parts.first == name else { return false }
      return !parts.dropFirst().contains { $0.hasPrefix("q=") && Double($0.dropFirst(2)) == 0 }
    }
  }
}

extension ServerResponse {
  /// Whether it says that nobody may encode it anew: that would take longer than sending it.
  fileprivate var isFinal: Bool { headers.contains { $0.name == "Cache-Control" && $0.value.contains("no-transform") } }

  fileprivate var withoutBody: ServerResponse {
    guard case .bytes(let body) = body else { return self }
    return ServerResponse(status: status, headers: headers + [("Content-Length", "\(body.count)")])
  }
}
