/// What went wrong, as one sentence for a person, with the command's exit code.
///
/// Everything that can go wrong outside the code (files, options, data, a diverging run) throws this one type.
/// Programming errors (an index out of range, a buffer of the wrong length) stop the process instead.
public struct EvenkeelError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of failure; raw values are the exit codes of `sysexits.h`.
  public enum Code: Int32, Sendable {
    /// The caller asked for something impossible: an option out of range, layers that do not fit.
    case usage = 64
    /// The input exists but its content is wrong.
    case data = 65
    /// There is no such input, or it cannot be opened.
    case noInput = 66
    /// Another process that it works with has gone, or does not answer.
    case unavailable = 69
    /// A failure of the program or of a library that it uses.
    case `internal` = 70
    /// The output cannot be written.
    case cannotWrite = 74
    /// The run was asked to stop and has saved its state.
    case interrupted = 130
  }

  /// The kind of failure.
  public let code: Code
  /// One sentence that names the file, line, column or key, what was expected and what was found.
  public let message: String
  /// The path of the layer concerned, as in stored files: `3`, `2.block.0`.
  public let layer: String?

  /// An error with one sentence for a person.
  public init(_ code: Code, _ message: String, layer: String? = nil) {
    self.code = code
    self.message = message
    self.layer = layer
  }

  /// The sentence.
  public var description: String { message }

  /// The same error with the place where it happened (a file, an option, a layer) before the sentence, unless it names
  /// that already.
  /// - Parameter layer: The path of the layer, if `place` is one.
  package func at(_ place: String, layer: String? = nil) -> EvenkeelError {
    guard !message.hasPrefix(place + ":") else { return self }
    return EvenkeelError(code, "\(place): \(message)", layer: layer ?? self.layer)
  }

  package static func usage(_ message: String, layer: String? = nil) -> Self { Self(.usage, message, layer: layer) }
  package static func data(_ message: String) -> Self { Self(.data, message) }
  static func noInput(_ message: String) -> Self { Self(.noInput, message) }
  static func cannotWrite(_ message: String) -> Self { Self(.cannotWrite, message) }
}

extension [String] {
  /// The choices, as part of a sentence: "a, b or c".
  package var alternatives: String {
    count < 2 ? joined() : dropLast().joined(separator: ", ") + " or " + self[count - 1]
  }
}
