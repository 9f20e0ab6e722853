/// What went wrong, as one sentence for a person, with the exit code that the command ends with.
///
/// Everything in this library that the world can get wrong (files, options, data, a diverging run) throws this one type.
/// Errors of the programmer (an index out of range, a buffer of the wrong length) stop the process instead.
public struct EvenkeelError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of failure; raw values are the exit codes of `sysexits.h`.
  public enum Code: Int32, Sendable {
    /// The caller asked for something that cannot be: an option out of range, layers that do not fit.
    case usage = 64
    /// The input is there but its content is wrong.
    case data = 65
    /// There is no such input, or it cannot be opened.
    case noInput = 66
    /// A failure of the program or of a library below it.
    case `internal` = 70
    /// The output cannot be written.
    case cannotWrite = 74
    /// The run was asked to stop, and has saved what it had.
    case interrupted = 130
  }

  /// The kind of failure.
  public let code: Code
  /// One sentence that names the file, line, column or key, what was expected and what was found.
  public let message: String
  /// The path of the layer that it is about, as in stored files: `3`, `2.block.0`.
  public let layer: String?

  /// An error with one sentence for a person.
  public init(_ code: Code, _ message: String, layer: String? = nil) {
    self.code = code
    self.message = message
    self.layer = layer
  }

  /// The sentence.
  public var description: String { message }

  /// The same with the place where it happened in front, unless it names that already: a file, an option, a layer.
  /// - Parameter layer: The path of the layer that `place` is, if it is one.
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
  /// What may be chosen, in a sentence: "a, b or c".
  package var alternatives: String {
    count < 2 ? joined() : dropLast().joined(separator: ", ") + " or " + self[count - 1]
  }
}
