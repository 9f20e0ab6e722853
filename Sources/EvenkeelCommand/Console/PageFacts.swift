import Evenkeel
import Glibc

/// Today's date in words.
func today() -> String {
  var now = time(nil)
  var parts = tm()
  localtime_r(&now, &parts)
  let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
  ]
  return "\(parts.tm_mday) \(months[Int(parts.tm_mon)]) \(parts.tm_year + 1900)"
}

/// The command as it was given, such that a shell reads the same words again.
/// - Throws: As `givenArguments`.
func givenCommand() throws -> String {
  (["evenkeel"] + (try givenArguments()).map(\.quotedForShell)).joined(separator: " ")
}

extension String {
  fileprivate var quotedForShell: String {
    let isPlain =
      !isEmpty
      && unicodeScalars.allSatisfy { $0.properties.isAlphabetic || "0123456789_-./:,=+@%".unicodeScalars.contains($0) }
    return isPlain ? self : "'" + replacing("'", with: "'\\''") + "'"
  }
}
