import Evenkeel
import EvenkeelServer
import EvenkeelTestSupport
import Glibc
import Testing

/// The events of a stream so far, as `event data`, and the last id.
private func events(_ stream: RunStream, until isLast: (String) -> Bool) async -> (told: [String], id: String) {
  var (told, id): ([String], String) = ([], "")
  while !(told.last.map(isLast) ?? false), let part = await stream.next() {
    for event in String(decoding: part, as: UTF8.self).split(separator: "\n\n") {
      let fields = Dictionary(
        event.split(separator: "\n").map { line -> (String, String) in
          let name = line.prefix { $0 != ":" }
          return (String(name), String(line.dropFirst(name.count + 2)))
        }, uniquingKeysWith: { $1 })
      if let found = fields["id"] { id = found }
      if let name = fields["event"] { told.append(name + " " + fields["data"]!) }
    }
  }
  return (told, id)
}

@Suite struct RunStreamTests {
  @Test func everyRunOfAFolderIsToldAndGoesOnBehindAnId() async throws {
    let folder = "/tmp/evenkeel-stream-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    mkdir(folder, 0o700)
    defer { for name in ["/a.jsonl", "/b.jsonl", "/table.jsonl", ""] { remove(folder + name) } }
    append("{\"x\":1}\n", to: folder + "/table.jsonl")
    append(startLine() + stepLine(1), to: folder + "/a.jsonl")
    let logs = try WatchedLogs([folder])
    let (told, id) = await events(RunStream(of: logs)) { $0.contains("\"step\":1,") }
    let key = try #require(logs.found().first?.key)
    #expect(logs.found().map(\.name) == ["a"])
    #expect(
      told == [
        "runs {\"title\":\"\(folder.dropFirst(5))\",\"runs\":[{\"run\":\"\(key)\",\"name\":\"a\"}]}",
        "reset {\"run\":\"\(key)\"}",
        "start {\"run\":\"\(key)\",\"line\":\(startLine().dropLast())}",
        "step {\"run\":\"\(key)\",\"line\":\(stepLine(1).dropLast())}",
      ])
    append(startLine(run: 2) + stepLine(7, run: 2), to: folder + "/b.jsonl")
    append(stepLine(2), to: folder + "/a.jsonl")
    let (rest, last) = await events(RunStream(of: logs, after: id)) { $0.contains("\"step\":7,") }
    #expect(rest.map { $0.prefix { $0 != " " } } == ["runs", "step", "reset", "start", "step"])
    #expect(rest[1].contains("\"step\":2,"))
    // With the place in both logs, nothing is told twice.
    append(stepLine(8, run: 2), to: folder + "/b.jsonl")
    let (end, _) = await events(RunStream(of: logs, after: last)) { $0.contains("\"step\":8,") }
    #expect(end.map { $0.prefix { $0 != " " } } == ["runs", "step"])
  }

  @Test func thePageIsOnlyLookedAt() async throws {
    let handler = WatchHandler(try WatchedLogs(["/nowhere/run.jsonl"]))
    let page = await handler.respond(to: ServerRequest(method: "GET", path: "/"))
    #expect(page.status == 200 && page.headers.contains { $0 == ("Cache-Control", "no-store") })
    let events = await handler.respond(to: ServerRequest(method: "GET", path: "/events"))
    for header in [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"), ("X-Accel-Buffering", "no")] {
      #expect(events.headers.contains { $0 == header })
    }
    #expect(await handler.respond(to: ServerRequest(method: "GET", path: "/etc/passwd")).status == 404)
    #expect(await handler.respond(to: ServerRequest(method: "POST", path: "/")).status == 405)
  }
}
