import ArgumentParser
import CLinux
import Evenkeel
import Glibc

@main
struct EvenkeelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evenkeel", abstract: "Trains neural networks with batch normalization.", version: Release.version,
    subcommands: [
      Train.self, Encode.self, Describe.self, Evaluate.self, Predict.self, Importance.self, Inspect.self,
      Recalibrate.self, Export.self, Import.self, Demo.self, Lab.self, SweepCommand.self, Tune.self,
      Runs.self, Watch.self, Serve.self,
    ])

  static func main() {
    // A reader that has gone is noticed by whoever writes to it.
    signal(SIGPIPE, SIG_IGN)
    LostPages.becomeErrors()
    // So is a file that outgrows its limit.
    signal(SIGXFSZ, SIG_IGN)
    Ranks.silenceOthers()
    do {
      var command = try parseAsRoot(givenArguments())
      if !(command is any SharedCommand) { try Ranks.requireNone(for: type(of: command)._commandName) }
      try command.run()
      try Ranks.leave()
    } catch is ReaderHasGone {
      Glibc.exit(128 + SIGPIPE)
    } catch let error as EvenkeelError {
      Ranks.leave(for: error)
      Glibc.exit(error.code.rawValue)
    } catch {
      // Help and version are no errors.
      let code = exitCode(for: error)
      guard code.rawValue != 0 else { exit(withError: error) }
      complain(sentence(message(for: error)))
      Glibc.exit(code.rawValue)
    }
  }

  /// What the parser says of the arguments, on one line.
  private static func sentence(_ message: String) -> String {
    // It lists six values and more one below the other.
    let line = message.replacing(":\n  - ", with: ": ").replacing("\n  - ", with: ", ")
    let hint = line.hasPrefix("Missing value") ? " (write a negative number as --option=-1)" : ""
    return "\(line)\(hint.isEmpty && (line.hasSuffix(".") || line.hasSuffix("?")) ? "" : hint + ".") See --help."
  }
}

/// The arguments after the program's name.
/// - Throws: `EvenkeelError` with code `usage` for one that is not UTF-8: as text it would name another file.
func givenArguments() throws -> [String] {
  var arguments: [String] = []
  var next = clinux_arguments()!
  while let word = next.pointee {
    guard let text = String(validatingCString: word) else {
      throw EvenkeelError(
        .usage,
        "Argument \(arguments.count), \"\(String(cString: word))\", is not UTF-8; rename the file or fix the argument.")
    }
    arguments.append(text)
    next += 1
  }
  return Array(arguments.dropFirst())
}
