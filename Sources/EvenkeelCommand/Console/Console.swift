import Evenkeel
import Glibc
import Synchronization

/// Nobody reads standard output any more, as with `| head -1`: the command ends without a word, with the code that a shell
/// reports for programs that SIGPIPE ends.
struct ReaderHasGone: Error {}

/// The descriptor that text goes to: standard output, or standard error where standard output takes a file.
private let textDescriptor = Atomic<Int32>(1)

/// Whether another process speaks for this one.
private let isSilent = Atomic(false)

/// Prints nothing from here on: another process does.
func keepSilent(_ silent: Bool = true) { isSilent.store(silent, ordering: .relaxed) }

/// Sends text that would go to standard output to standard error from here on.
func keepTextOutOfStandardOutput() { textDescriptor.store(2, ordering: .relaxed) }

/// Writes a line to standard output at once.
/// - Throws: `ReaderHasGone`, or `EvenkeelError` with code `cannotWrite`.
func emit(_ line: String, terminator: String = "\n") throws {
  var text = line + terminator
  try text.withUTF8 { try emit(UnsafeRawBufferPointer($0)) }
}

/// Writes bytes to standard output at once.
/// - Throws: As above.
func emit(_ bytes: UnsafeRawBufferPointer) throws {
  guard !isSilent.load(ordering: .relaxed) else { return }
  let descriptor = textDescriptor.load(ordering: .relaxed)
  var position = 0
  while position < bytes.count {
    let written = write(descriptor, bytes.baseAddress! + position, bytes.count - position)
    if written < 0, errno == EINTR { continue }
    guard written > 0 else {
      if errno == EPIPE { throw ReaderHasGone() }
      throw EvenkeelError(.cannotWrite, "Standard output cannot be written: \(String(cString: strerror(errno))).")
    }
    position += written
  }
}

/// Prints `value` as a JSON object on a line of its own.
/// - Throws: As above.
func emitJSON(_ value: some Encodable) throws { try emit(JSONLine.text(value)) }

/// Writes to standard error at once.
func tell(_ text: String) {
  guard !isSilent.load(ordering: .relaxed) else { return }
  var text = text
  text.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
}

/// Prints a sentence to standard error, after the command's name.
func complain(_ sentence: String) {
  // A name in it may hold what would make more than one line.
  tell("evenkeel: \(String(sentence.map { $0.isNewline ? " " : $0 }))\n")
}

/// Prints warnings to standard error, a line each.
func warn(_ sentences: String...) { warn(sentences) }

/// Prints warnings to standard error, a line each.
func warn(_ sentences: [String]) { for sentence in sentences { complain("warning: \(sentence)") } }

/// The last line of a terminal on standard error, written over again and again.
enum StatusLine {
  static let isAvailable = isatty(2) == 1

  /// Replaces the line by `text`, cut to the width of the terminal: a line that wrapped could not be written over.
  static func show(_ text: String) {
    var size = winsize()
    let fits = ioctl(2, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    tell("\r\u{1B}[K" + (fits ? String(text.prefix(Int(size.ws_col) - 1)) : text))
  }

  static func clear() { tell("\r\u{1B}[K") }
}

extension String {
  /// The text with spaces after it until it is `width` characters long, one space at least.
  func padded(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }

  /// The text with spaces before it until it is `width` characters long, one space at least.
  func alignedRight(in width: Int) -> String { String(repeating: " ", count: max(1, width - count)) + self }
}
