import Glibc

/// How many trials are done: a bar on a terminal, elsewhere a line every half minute.
struct TrialProgress {
  let enabled: Bool
  private let isTerminal = isatty(2) == 1
  private var shown: ContinuousClock.Instant?

  init(enabled: Bool) { self.enabled = enabled }

  mutating func show(_ name: String, _ done: Int, _ total: Int, _ secondsLeft: Double?) {
    guard enabled, total > 0 else { return }
    let now = ContinuousClock.now
    if let shown, now - shown < (isTerminal ? .milliseconds(200) : .seconds(30)) { return }
    shown = now
    var line = "\(name)  \(done) of \(total) trials"
    if let left = secondsLeft { line += "  \(duration(left)) left" }
    guard isTerminal else { return tell(line + "\n") }
    let filled = 20 * done / total
    line = String(repeating: "█", count: filled) + String(repeating: "░", count: 20 - filled) + " " + line
    // A line that wrapped could not be written over.
    var size = winsize()
    if ioctl(2, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { line = String(line.prefix(Int(size.ws_col) - 1)) }
    tell("\r\u{1B}[K" + line)
  }

  func clear() { if enabled, isTerminal { tell("\r\u{1B}[K") } }
}

/// Seconds as people say them: `40 s`, `3 min 20 s`, `2 h 5 min`.
func duration(_ seconds: Double) -> String {
  guard seconds.isFinite, seconds < 1e9 else { return "long" }
  let whole = Int(seconds.rounded(.up))
  if whole < 60 { return "\(whole) s" }
  if whole < 3600 { return whole % 60 == 0 ? "\(whole / 60) min" : "\(whole / 60) min \(whole % 60) s" }
  return "\(whole / 3600) h \(whole % 3600 / 60) min"
}
