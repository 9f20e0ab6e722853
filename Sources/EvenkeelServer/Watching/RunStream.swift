import Evenkeel

/// What a page is told of runs while they go on, as an event stream (WHATWG HTML, §9.2).
///
/// * `runs`: `{"title":…,"runs":[{"run":KEY,"name":…},…]}`, first of all and whenever a log comes or goes;
/// * `reset`: `{"run":KEY}`: what follows of this run begins at its log's first line;
/// * `start`, `step`, `epoch`, `norms`, `trial`, `end`: `{"run":KEY,"line":{…}}`, each line of a log once.
///
/// The id of an event holds the place in every log, so that whoever was cut off goes on there, also with a server that
/// was started later.
package actor RunStream {
  private let logs: WatchedLogs
  private var places: [String: LogPlace]
  private var tails: [(key: String, tail: LogTail)] = []
  private var listed: [WatchedLogs.Log]?
  private var rounds = 0
  private let clock = ContinuousClock()
  private var spoke: ContinuousClock.Instant
  private var hasBegun = false

  /// Between two looks at the logs.
  private static let interval = Duration.milliseconds(200)
  /// Between two looks for logs, in intervals.
  private static let roundsPerSearch = 5
  /// The longest silence: what lies between closes connections that say nothing for longer.
  private static let silence = Duration.seconds(15)

  /// A stream behind the event with this id; from the beginning for an empty one.
  package init(of logs: WatchedLogs, after id: String = "") {
    self.logs = logs
    places = [:]
    spoke = clock.now
    for part in id.split(separator: ",") {
      let key = part.prefix { $0 != "-" }
      if let place = LogPlace(part.dropFirst(key.count + 1)) { places[String(key)] = place }
    }
  }

  /// The next part of the stream, as soon as there is one; nil once the task is cancelled.
  package func next() async -> [UInt8]? {
    while !Task.isCancelled {
      let text = events()
      if !text.isEmpty || clock.now - spoke >= Self.silence {
        spoke = clock.now
        return Array((text.isEmpty ? ": ping\n\n" : text).utf8)
      }
      try? await Task.sleep(for: Self.interval)
    }
    return nil
  }

  /// What is new.
  private func events() -> String {
    var text = hasBegun ? "" : "retry: 1000\n\n"
    hasBegun = true
    if rounds % Self.roundsPerSearch == 0 { text += list() }
    rounds += 1
    for index in tails.indices {
      text += events(of: index)
      // The rest of a long log follows before anything is waited for.
      if text.utf8.count > 1 << 20 { break }
    }
    return text
  }

  /// Takes up logs that have come, and says so.
  private func list() -> String {
    let found = logs.found()
    guard found != listed else { return "" }
    listed = found
    for (key, tail) in tails { places[key] = tail.place }
    let keys = found.map(\.key)
    places = places.filter { keys.contains($0.key) }
    tails = zip(keys, found).map { ($0, LogTail($1.path, from: places[$0] ?? .start)) }
    let list = RunList(title: logs.title, runs: zip(keys, found).map { .init(run: $0, name: $1.name) })
    return "event: runs\ndata: \((try? JSONLine.text(list)) ?? "{}")\n\n"
  }

  private func events(of index: Int) -> String {
    let key = tails[index].key
    let wasAtStart = tails[index].tail.place == .start
    switch tails[index].tail.read() {
    case nil: return ""
    case .replaced: return reset(key)
    case .lines(let lines):
      let others = tails.indices.filter { $0 != index && tails[$0].tail.place != .start }
        .map { "\(tails[$0].key)-\(tails[$0].tail.place.text)," }.joined()
      var text = wasAtStart ? reset(key) : ""
      for (line, place) in lines {
        text += """
          id: \(others)\(key)-\(place.text)
          event: \(line.event)
          data: {"run":"\(key)","line":\(line.text)}\n\n
          """
      }
      return text
    }
  }

  private func reset(_ key: String) -> String { "event: reset\ndata: {\"run\":\"\(key)\"}\n\n" }
}

/// The runs of a page.
struct RunList: Encodable {
  struct Run: Encodable {
    let run, name: String
  }
  let title: String
  let runs: [Run]
}
