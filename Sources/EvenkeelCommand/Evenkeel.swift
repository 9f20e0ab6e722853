import ArgumentParser
import CLinux
import Evenkeel
import Glibc
import Synchronization

@main
struct EvenkeelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evenkeel", abstract: "Trains neural networks with batch normalization.", version: Release.version,
    subcommands: [
      Train.self, Evaluate.self, Predict.self, Inspect.self, Recalibrate.self, Demo.self, Lab.self, SweepCommand.self,
      Runs.self,
    ])

  static func main() {
    shortenSpinning()
    // A reader that has gone is met where it is written.
    signal(SIGPIPE, SIG_IGN)
    LostPages.becomeErrors()
    // So is a file that outgrows its limit.
    signal(SIGXFSZ, SIG_IGN)
    do {
      var command = try parseAsRoot(givenArguments())
      try command.run()
    } catch is ReaderHasGone {
      Glibc.exit(128 + SIGPIPE)
    } catch let error as EvenkeelError {
      complain(error.message)
      Glibc.exit(error.code.rawValue)
    } catch {
      // Help and version are no errors.
      let code = exitCode(for: error)
      guard code.rawValue != 0 else { exit(withError: error) }
      let message = message(for: error)
      let hint = message.hasPrefix("Missing value") ? " (a negative number is written as --option=-1)" : ""
      complain("\(message)\(hint). See --help.")
      Glibc.exit(code.rawValue)
    }
  }
}

/// Threads that wait for one another spin for a while before they sleep. libgomp's while is so long that on processors which
/// others use too a run stalls, up to a hundred times slower (Documentation/Performance.md). It reads how long from the
/// environment as it is loaded, so the program starts itself anew with a shorter one, unless the user has said what he wants.
private func shortenSpinning() {
  guard getenv("GOMP_SPINCOUNT") == nil, getenv("OMP_WAIT_POLICY") == nil else { return }
  setenv("GOMP_SPINCOUNT", "10000", 1)
  // Where this is not possible the program goes on as it is.
  execv("/proc/self/exe", clinux_arguments())
}

/// The arguments behind the program's name.
/// - Throws: `EvenkeelError` with code `usage` for one that is not UTF-8: as text it would name another file.
private func givenArguments() throws -> [String] {
  var arguments: [String] = []
  var next = clinux_arguments()!
  while let word = next.pointee {
    guard let text = String(validatingCString: word) else {
      throw EvenkeelError(
        .usage, "Argument \(arguments.count), \"\(String(cString: word))\", is not UTF-8; expected names that are.")
    }
    arguments.append(text)
    next += 1
  }
  return Array(arguments.dropFirst())
}

/// Prints a sentence to standard error.
func complain(_ sentence: String) {
  // Names in it may hold what would make more than one line.
  tell("evenkeel: \(String(sentence.map { $0.isNewline ? " " : $0 }))\n")
}

/// Nobody reads standard output any more, as behind `| head -1`: the command ends without a word, with the code that a shell
/// gives of programs that SIGPIPE ends.
struct ReaderHasGone: Error {}

/// Where `emit` writes to.
private let textDescriptor = Atomic<Int32>(1)

/// Makes sure before long work that `output` can be written, and keeps text out of it where it is standard output: that text goes
/// to standard error.
/// - Throws: `EvenkeelError` with code `cannotWrite`.
func requireOutput(_ output: String?) throws {
  guard let output else { return }
  try Model.requireWritable(output)
  if isStandardOutput(output) { textDescriptor.store(2, ordering: .relaxed) }
}

/// Whether `path` leads to what standard output is.
func isStandardOutput(_ path: String) -> Bool {
  var (named, standard) = (stat(), stat())
  return stat(path, &named) == 0 && fstat(1, &standard) == 0 && named.st_ino == standard.st_ino
    && named.st_dev == standard.st_dev
}

/// Writes a line to standard output at once.
/// - Throws: `ReaderHasGone`, or `EvenkeelError` with code `cannotWrite`.
func emit(_ line: String, terminator: String = "\n") throws {
  var text = line + terminator
  let descriptor = textDescriptor.load(ordering: .relaxed)
  try text.withUTF8 { bytes in
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
}

/// - Parameter role: What `output` is to be, as in "the output".
/// - Throws: `EvenkeelError` with code `usage` if `output` is one of the files that are read, or one of those that keep `store`,
///   which need not be there yet.
func requireApart(
  _ output: String?, from inputs: [String?], store: String? = nil, as role: String = "the output"
) throws {
  guard let output else { return }
  if let store,
    ["", "-wal", "-shm", "-journal"].contains(where: { AtomicFile.place(output) == AtomicFile.place(store + $0) })
  {
    throw EvenkeelError(.usage, "\(output) is where the runs are kept (--store) and cannot be the output too.")
  }
  var written = stat()
  guard stat(output, &written) == 0, written.st_mode & S_IFMT == S_IFREG else { return }
  for case let input? in inputs + [store] {
    var read = stat()
    if stat(input, &read) == 0, read.st_ino == written.st_ino, read.st_dev == written.st_dev {
      throw EvenkeelError(.usage, "\(output) is read and cannot be \(role) too.")
    }
  }
}

/// Writes to standard error at once.
func tell(_ text: String) {
  var text = text
  text.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
}

/// `value` with so many digits behind the point.
func fixed(_ value: Double, _ digits: Int) -> String {
  guard value.isFinite else { return "\(value)" }
  var scale = 1.0
  for _ in 0..<digits { scale *= 10 }
  let scaled = (abs(value) * scale).rounded()
  guard scaled < 1e18 else { return "\(value)" }
  let whole = Int(scaled)
  let sign = value < 0 && whole > 0 ? "-" : ""
  guard digits > 0 else { return sign + String(whole) }
  let text = String(whole)
  let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
  return sign + padded.dropLast(digits) + "." + padded.suffix(digits)
}

/// One JSON object of keys and values that are already JSON, in order; keys without a value are left out.
func jsonObject(_ fields: [(String, String?)]) -> String {
  "{" + fields.compactMap { key, value in value.map { "\"\(key)\":\($0)" } }.joined(separator: ",") + "}"
}

func jsonText(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\n": result += "\\n"
    case "\t": result += "\\t"
    case "\r": result += "\\r"
    default:
      if scalar.value < 0x20 {
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
  }
  return result + "\""
}

/// JSON has no NaN.
func jsonNumber(_ value: Double?) -> String? { value.map { $0.isFinite ? "\($0)" : "null" } }
