import Evenkeel
import FoundationEssentials
import Glibc

/// The logs that a page shows: files, which need not exist yet, and those in folders, as they come and go.
package struct WatchedLogs: Sendable {
  private let paths: [String]

  /// One of the logs.
  package struct Log: Hashable, Sendable {
    package let path: String
    /// As the page calls it.
    package let name: String

    /// What stands for the path, the same whenever it is asked for: eight hexadecimal digits.
    package var key: String {
      var hash = Fingerprint()
      hash.add(path)
      return String(hash.text.suffix(8))
    }
  }

  /// The most logs that one page shows.
  package static let most = 200
  private static let suffix = ".jsonl"

  /// - Parameter paths: Logs; and folders, of which the files whose names end in `.jsonl` are shown, in them and in their
  ///   folders.
  /// - Throws: `EvenkeelError` with code `data` for a file that is there and is no log.
  package init(_ paths: [String]) throws {
    // A folder that the program leaves later stays the one that was meant.
    self.paths = paths.map { AtomicFile.place($0) }
    for (path, place) in zip(paths, self.paths) where !Self.isFolder(place) {
      guard let bytes = Self.beginning(of: place), !bytes.isEmpty, !RunLog.isBeginning(of: bytes) else { continue }
      throw EvenkeelError.data("\(path) is not the log of a run; expected the lines that train --log writes.")
    }
  }

  /// What the page is about.
  package var title: String { paths.map(\.lastComponent).joined(separator: ", ") }

  /// Those that are known now, by name, at most `most`.
  package func found() -> [Log] {
    var logs: [Log] = []
    for path in paths {
      if Self.isFolder(path) {
        logs += Self.files(in: path, path, depth: 1)
      } else {
        let name = path.lastComponent
        logs.append(
          Log(path: path, name: name.hasSuffix(Self.suffix) ? String(name.dropLast(Self.suffix.count)) : name))
      }
    }
    var seen: Set<String> = []
    logs = logs.filter { seen.insert($0.path).inserted }
    let names = Dictionary(logs.map { ($0.name, 1) }, uniquingKeysWith: +)
    return Array(logs.map { names[$0.name]! > 1 ? Log(path: $0.path, name: $0.path) : $0 }.prefix(Self.most))
  }

  /// The logs in `folder` and, so deep, in its folders; named by the way from `root`.
  private static func files(in folder: String, _ root: String, depth: Int) -> [Log] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.sorted().filter { !$0.hasPrefix(".") }.flatMap { name -> [Log] in
      let path = folder + "/" + name
      if name.hasSuffix(suffix) {
        // Other files have lines of JSON too.
        guard let bytes = beginning(of: path), RunLog.isBeginning(of: bytes) else { return [] }
        return [Log(path: path, name: String(path.dropFirst(root.count + 1).dropLast(suffix.count)))]
      }
      return depth > 0 && isFolder(path) ? files(in: path, root, depth: depth - 1) : []
    }
  }

  private static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The first bytes of a file; nil where there is none.
  private static func beginning(of path: String) -> [UInt8]? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    return [UInt8](unsafeUninitializedCapacity: 64) { $1 = max(0, read(file, $0.baseAddress!, 64)) }
  }
}

extension String {
  fileprivate var lastComponent: String { split(separator: "/").last.map { String($0) } ?? self }
}
