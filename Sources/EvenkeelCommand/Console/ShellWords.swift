/// The command as it was given, such that a shell reads the same words again.
/// - Throws: As `givenArguments`.
func givenCommand() throws -> String {
  (["evenkeel"] + (try givenArguments()).map(\.quotedForShell)).joined(separator: " ")
}

extension String {
  /// The text as one word of a shell.
  var quotedForShell: String {
    let isPlain = !isEmpty && allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./,=:+%@".contains($0)) }
    return isPlain ? self : "'" + replacing("'", with: "'\\''") + "'"
  }
}
