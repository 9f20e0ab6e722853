import FoundationEssentials
import Glibc

/// A run as JSON objects, one a line: `start`, then `step` lines at most every 0.1 s, `epoch` and `norms` after every
/// epoch, and `end`. Documentation/Logs.md says what each holds.
///
/// Every line is written whole and at once, so that others can follow the file while it grows. A run that continues
/// another cuts off what was written after its checkpoint: whatever ended the first one, the file has every step once.
public final class RunLog: RunObserver {
  /// The version of the lines that this code writes.
  package static let schema = 1
  private let path: String
  private let warn: (String) -> Void
  private var file: LogFile?

  /// A log that replaces the one at `path`, if there is one, or continues it, when the run starts.
  /// - Parameters:
  ///   - path: The path of the file.
  ///   - warn: Told, once, if the log cannot be written; training goes on.
  /// - Throws: `EvenkeelError` with code `usage` for a file that is not a log.
  public init(_ path: String, warn: @escaping (String) -> Void) throws {
    (self.path, self.warn) = (path, warn)
    try Self.requireReplaceable(path)
  }

  /// - Throws: `EvenkeelError` with code `usage` for a file that is not a log.
  package static func requireReplaceable(_ path: String) throws {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else { return }
    guard try isBeginning(of: FileBytes(path).copy) else {
      throw EvenkeelError.usage("\(path) is not the log of a run and is not replaced by one; choose another file.")
    }
  }

  /// Whether a file that begins with `bytes` is the log of a run.
  package static func isBeginning(of bytes: some Sequence<UInt8>) -> Bool { bytes.starts(with: "{\"schema\":".utf8) }

  public func runStarts(_ start: RunStart) {
    file = LogFile(path, keeping: start.step == 0 ? 0 : Self.lengthUp(to: start.step, in: path), onFailure: warn)
    file?.append(line: StartLine(start))
  }

  public func stepEnds(_ step: RunStep) { file?.append(line: StepLine(step)) }

  public func epochEnds(_ epoch: RunEpoch) {
    file?.append(line: EpochLine(epoch))
    if !epoch.norms.isEmpty { file?.append(line: NormsLine(epoch)) }
  }

  public func runEnds(_ end: RunEnd) { file?.append(line: EndLine(end)) }

  private struct Place: Decodable {
    let event: String
    let step: Int
  }

  /// The bytes of the log at `path` before the first line that is about a later step, is the end of a run, or is not
  /// whole.
  static func lengthUp(to step: Int, in path: String) -> Int {
    guard let bytes = try? FileBytes(path).copy else { return 0 }
    var length = 0
    while let end = bytes[length...].firstIndex(of: UInt8(ascii: "\n")) {
      guard let place = try? JSONDecoder().decode(Place.self, from: Data(bytes[length..<end])), place.step <= step,
        place.event != "end"
      else { break }
      length = end + 1
    }
    return length
  }
}
