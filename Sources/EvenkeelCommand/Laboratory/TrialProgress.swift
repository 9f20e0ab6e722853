/// How many trials are done: a bar on a terminal, otherwise a line every half minute.
struct TrialProgress {
  let enabled: Bool
  private var shown: ContinuousClock.Instant?

  init(enabled: Bool) { self.enabled = enabled }

  mutating func show(_ name: String, _ done: Int, _ total: Int, _ secondsLeft: Double?) {
    guard enabled, total > 0 else { return }
    let now = ContinuousClock.now
    if let shown, now - shown < (StatusLine.isAvailable ? .milliseconds(200) : .seconds(30)) { return }
    shown = now
    var line = "\(name)  \(done) of \(total) trials"
    if let left = secondsLeft { line += "  \(duration(left)) left" }
    guard StatusLine.isAvailable else { return tell(line + "\n") }
    let filled = 20 * done / total
    line = String(repeating: "█", count: filled) + String(repeating: "░", count: 20 - filled) + " " + line
    StatusLine.show(line)
  }

  /// The same where nobody knows how many there will be.
  mutating func show(_ name: String, _ done: Int) {
    guard enabled else { return }
    let now = ContinuousClock.now
    if let shown, now - shown < (StatusLine.isAvailable ? .milliseconds(200) : .seconds(30)) { return }
    shown = now
    let line = "\(name)  \(done) trials done"
    if StatusLine.isAvailable { StatusLine.show(line) } else { tell(line + "\n") }
  }

  func clear() { if enabled, StatusLine.isAvailable { StatusLine.clear() } }
}

/// Seconds as people say them: `40 s`, `3 min 20 s`, `2 h 5 min`.
func duration(_ seconds: Double) -> String {
  guard seconds.isFinite, seconds < 1e9 else { return "a long time" }
  let whole = Int(seconds.rounded(.up))
  if whole < 60 { return "\(whole) s" }
  if whole < 3600 { return whole % 60 == 0 ? "\(whole / 60) min" : "\(whole / 60) min \(whole % 60) s" }
  return "\(whole / 3600) h \(whole % 3600 / 60) min"
}
