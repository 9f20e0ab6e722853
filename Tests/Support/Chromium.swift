import Foundation
import Testing

/// Headless Chromium, driven by the DevTools protocol over a pipe: real mouse, touch and keys, any size of screen, light and dark.
package final class Chromium {
  /// Where Chromium is; nil where it is not installed.
  package static let path: String? = {
    let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
    return ["chromium", "chromium-browser", "google-chrome"].lazy.flatMap { name in folders.map { "\($0)/\(name)" } }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  /// The addresses of all that the page has asked for.
  package private(set) var requests: [String] = []
  /// What the page's script complained of.
  package private(set) var complaints: [String] = []

  private let process: pid_t
  private let input: Int32
  private let output: Int32
  private var received: [UInt8] = []
  private var calls = 0
  private var session: String?

  /// Opens an empty page; names of other machines than this one are not found.
  /// - Parameter folder: An empty folder for its profile.
  package init(profile folder: String) throws {
    var (commands, answers): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
    try #require(pipe(&commands) == 0 && pipe(&answers) == 0)
    for end in commands + answers { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for descriptor in [0, 1, 2] as [Int32] {
      posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", descriptor == 0 ? O_RDONLY : O_WRONLY, 0)
    }
    // Descriptors 3 and 4 may be ends of the pipes themselves: first out of the way.
    posix_spawn_file_actions_adddup2(&actions, commands[0], 103)
    posix_spawn_file_actions_adddup2(&actions, answers[1], 104)
    posix_spawn_file_actions_adddup2(&actions, 103, 3)
    posix_spawn_file_actions_adddup2(&actions, 104, 4)
    let words =
      [
        Self.path!, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe",
        "--user-data-dir=\(folder)", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "about:blank",
      ]
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var process: pid_t = 0
    let code = posix_spawn(&process, Self.path!, &actions, nil, &arguments, environ)
    (self.process, input, output) = (process, commands[1], answers[0])
    close(commands[0])
    close(answers[1])
    try #require(code == 0)
    let target = try send("Target.createTarget", ["url": "about:blank"])["targetId"] as? String
    session =
      try send("Target.attachToTarget", ["targetId": try #require(target), "flatten": true])["sessionId"] as? String
    for domain in ["Page", "Runtime", "Network"] { try send(domain + ".enable") }
  }

  deinit {
    close(input)
    close(output)
    kill(process, SIGTERM)
    _ = end(process)
  }

  /// Sets the size of the screen and its theme.
  package func setScreen(width: Int, height: Int, isDark: Bool = false) throws {
    try send(
      "Emulation.setDeviceMetricsOverride",
      ["width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600])
    try send(
      "Emulation.setEmulatedMedia",
      ["features": [["name": "prefers-color-scheme", "value": isDark ? "dark" : "light"]]])
  }

  /// Opens an address.
  package func open(_ address: String) throws { try send("Page.navigate", ["url": address]) }

  /// The value of an expression of JavaScript; of a promise what it gives.
  @discardableResult package func evaluate(_ expression: String) throws -> Any? {
    let reply = try send(
      "Runtime.evaluate", ["expression": expression, "awaitPromise": true, "returnByValue": true])
    if let exception = reply["exceptionDetails"] { throw Failed(message: "\(expression): \(exception)") }
    return (reply["result"] as? [String: Any])?["value"]
  }

  /// Asks for the value of `expression` until it is true, for a minute at most.
  package func wait(for expression: String) throws {
    for _ in 0..<1200 {
      if (try? evaluate(expression)) as? Bool == true { return }
      usleep(50_000)
    }
    throw Failed(message: "It never came true: \(expression)")
  }

  /// Draws a stroke with the mouse, in pixels of the page.
  package func drag(_ points: [(x: Double, y: Double)]) throws {
    func mouse(_ type: String, _ point: (x: Double, y: Double), buttons: Int) throws {
      try send(
        "Input.dispatchMouseEvent",
        ["type": type, "x": point.x, "y": point.y, "button": "left", "buttons": buttons, "clickCount": 1])
    }
    try mouse("mousePressed", points[0], buttons: 1)
    for point in points.dropFirst() { try mouse("mouseMoved", point, buttons: 1) }
    try mouse("mouseReleased", points[points.count - 1], buttons: 0)
  }

  /// Draws a stroke with a finger.
  package func swipe(_ points: [(x: Double, y: Double)]) throws {
    func touch(_ type: String, _ points: [(x: Double, y: Double)]) throws {
      try send("Input.dispatchTouchEvent", ["type": type, "touchPoints": points.map { ["x": $0.x, "y": $0.y] }])
    }
    try touch("touchStart", [points[0]])
    for point in points.dropFirst() { try touch("touchMove", [point]) }
    try touch("touchEnd", [])
  }

  /// Presses a key: `Enter`, `ArrowRight`, …
  package func press(_ key: String, code: Int) throws {
    for type in ["rawKeyDown", "keyUp"] {
      try send("Input.dispatchKeyEvent", ["type": type, "key": key, "code": key, "windowsVirtualKeyCode": code])
    }
  }

  package struct Failed: Error {
    package let message: String
  }

  // ---- the protocol: JSON messages that end with a byte 0 ---------------------------------------------------------------

  @discardableResult private func send(_ method: String, _ parameters: [String: Any] = [:]) throws -> [String: Any] {
    calls += 1
    var message: [String: Any] = ["id": calls, "method": method, "params": parameters]
    message["sessionId"] = session
    let bytes = Array(try JSONSerialization.data(withJSONObject: message)) + [0]
    guard write(input, bytes, bytes.count) == bytes.count else { throw Failed(message: "Chromium has gone.") }
    while true {
      let reply = try next()
      guard reply["id"] as? Int == calls else {
        take(event: reply)
        continue
      }
      if let error = reply["error"] { throw Failed(message: "\(method): \(error)") }
      return reply["result"] as? [String: Any] ?? [:]
    }
  }

  private func take(event: [String: Any]) {
    let parameters = event["params"] as? [String: Any] ?? [:]
    switch event["method"] as? String {
    case "Network.requestWillBeSent":
      requests.append((parameters["request"] as? [String: Any])?["url"] as? String ?? "")
    case "Runtime.exceptionThrown": complaints.append("\(parameters["exceptionDetails"] ?? "")")
    case "Runtime.consoleAPICalled": complaints.append("\(parameters["args"] ?? "")")
    default: break
    }
  }

  /// The next message, for which it waits a minute at most.
  private func next() throws -> [String: Any] {
    while true {
      if let end = received.firstIndex(of: 0) {
        let message = Data(received[..<end])
        received.removeSubrange(...end)
        return try JSONSerialization.jsonObject(with: message) as? [String: Any] ?? [:]
      }
      var wanted = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      guard poll(&wanted, 1, 60_000) == 1 else { throw Failed(message: "Chromium does not answer.") }
      let count = read(output, &buffer, buffer.count)
      guard count > 0 else { throw Failed(message: "Chromium has gone.") }
      received += buffer[..<count]
    }
  }
}
