import Glibc

/// An event file of TensorBoard that grows: one run is one folder, and every process that adds to it has a file of its
/// own there.
package final class EventFile {
  private let file: LogFile
  /// Of the last event: times must not run backwards in a file.
  private var lastTime = 0.0

  /// What the names of our files end with: others are left as they are.
  private static let ending = ".evenkeel"

  /// - Parameters:
  ///   - folder: The run's folder, which is made if it is not there.
  ///   - step: Goes on after this step of earlier files, of which the rest is removed. 0: they are removed.
  ///   - onFailure: As for `LogFile`.
  package init(in folder: String, after step: Int = 0, onFailure: @escaping (String) -> Void) {
    Self.make(folder)
    let earlier = Self.ours(in: folder)
    // The record cut off: some readers show a step twice that is told again, whatever the new file says about it.
    for name in earlier { Self.cut(folder + "/" + name, after: step) }
    // Files are read in the order of their names, which begin with the time.
    let last = earlier.compactMap { $0.split(separator: ".").dropFirst(3).first.flatMap { Int($0) } }.max() ?? 0
    let time = max(Int(secondsSince1970()), last + 1)
    var host = [CChar](repeating: 0, count: 256)
    let isNamed = gethostname(&host, host.count - 1) == 0 && host[0] != 0
    let name = isNamed ? String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : "host"
    file = LogFile(
      "\(folder)/events.out.tfevents.\(time).\(name).\(getpid()).0\(Self.ending)", onFailure: onFailure)
    file.append(LoggedEvent.fileStart(time: nextTime).record)
    if step > 0 { file.append(LoggedEvent.restart(step: step + 1, time: nextTime).record) }
  }

  private var nextTime: Double {
    lastTime = max(lastTime, secondsSince1970())
    return lastTime
  }

  /// Writes an event of `step` that happens now.
  package func append(step: Int, _ fill: (inout LoggedEvent, _ time: Double) -> Void) {
    let time = nextTime
    var event = LoggedEvent(step: step, time: time)
    fill(&event, time)
    file.append(event.record)
  }

  /// Writes the events of a run that is over to a file, whole or not at all, in place of those that we have written
  /// into `folder`.
  /// - Parameter time: When the run started, in seconds since 1970.
  /// - Throws: `EvenkeelError` with code `cannotWrite`.
  package static func write(_ events: [LoggedEvent], in folder: String, time: Double) throws {
    make(folder)
    let path = "\(folder)/events.out.tfevents.\(Int(time)).evenkeel.0.0\(ending)"
    let bytes = ([LoggedEvent.fileStart(time: time)] + events).flatMap(\.record)
    try bytes.withUnsafeBytes { try AtomicFile.write([$0], to: path) }
    for name in ours(in: folder) where folder + "/" + name != path { unlink(folder + "/" + name) }
  }

  private static func ours(in folder: String) -> [String] {
    ((try? Folder(folder))?.files ?? []).filter { $0.contains("tfevents") && $0.hasSuffix(ending) }
  }

  /// Makes a folder and those above it.
  private static func make(_ path: String) {
    var place = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
      place += "/" + part
      mkdir(place, 0o777)
    }
  }

  /// Cuts off the events of later steps, and removes a file that tells of no step then.
  private static func cut(_ path: String, after step: Int) {
    guard let bytes = try? FileBytes(path).copy else { return }
    let kept = EventRecord.records(of: bytes).prefix { LoggedEvent.step(of: $0.data).map { $0 <= step } ?? false }
    if step > 0, kept.contains(where: { (LoggedEvent.step(of: $0.data) ?? 0) > 0 }) {
      truncate(path, kept.last!.end)
    } else {
      unlink(path)
    }
  }
}
