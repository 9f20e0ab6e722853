import Evenkeel
import Synchronization

/// Models that answer requests, by name. Their files may change: a new version takes the place of the old one when it is ready, and the
/// old one finishes what it has begun.
package final class InferenceService: Sendable {
  /// Where a model is read from.
  package struct Source: Hashable, Sendable {
    package let name: String
    package let path: String

    /// - Throws: `EvenkeelError` with code `usage` for a name that no path of a request can have.
    package init(name: String, path: String) throws {
      guard !name.isEmpty, !name.contains("/") else {
        throw EvenkeelError.usage(
          "\"\(name)\" is no name for a model; expected one without a slash, as in name=\(path).")
      }
      (self.name, self.path) = (name, path)
    }
  }

  package enum Phase: Sendable { case loading, ready, draining }

  private struct Entry {
    let source: Source
    var model: ServedModel?
    var version = 0
    /// What the file was when it was read last, with or without success.
    var stamp: FileStamp?
  }

  private struct State {
    var phase = Phase.loading
    var entries: [Entry]
  }

  private let options: BatcherOptions
  private let state: Mutex<State>
  /// Held while models are read, so that two changes do not overtake each other.
  private let loading = Mutex(())

  /// - Throws: `EvenkeelError` with code `usage` if two models have one name, or for an option out of range.
  package init(_ sources: [Source], options: BatcherOptions) throws {
    try options.validate()
    var seen: Set<String> = []
    for source in sources where !seen.insert(source.name).inserted {
      throw EvenkeelError.usage(
        "Two models are called \"\(source.name)\"; give one another name, as in name=\(source.path).")
    }
    self.options = options
    state = Mutex(State(entries: sources.map { Entry(source: $0) }))
  }

  // ---- requests -------------------------------------------------------------------------------------------------------

  package var phase: Phase { state.withLock { $0.phase } }

  /// From here on the service says that it is not ready, and answers what still comes.
  package func drain() { state.withLock { $0.phase = .draining } }

  /// The models in the order in which they were named.
  package var models: [ServedModel] { state.withLock { $0.entries.compactMap(\.model) } }

  /// - Parameter version: nil for the one that there is.
  /// - Throws: `ServerFailure` with status 404.
  package func model(_ name: String, version: String? = nil) throws -> ServedModel {
    let (found, names) = state.withLock { state in
      (state.entries.first { $0.source.name == name }?.model, state.entries.map(\.source.name))
    }
    guard let found else {
      throw ServerFailure(404, "There is no model \"\(name)\"; expected \(names.alternatives).")
    }
    guard version == nil || version == found.version else {
      throw ServerFailure(404, "Model \"\(name)\" has no version \(version!); expected \(found.version).")
    }
    return found
  }

  // ---- loading --------------------------------------------------------------------------------------------------------

  /// Reads all models for the first time.
  /// - Throws: `EvenkeelError`, as for reading a model; `internal` if the system gives no thread.
  package func load() throws {
    try loading.withLock { _ in
      for entry in state.withLock({ $0.entries }) { try read(entry) }
      state.withLock { if $0.phase == .loading { $0.phase = .ready } }
    }
  }

  /// Reads models again, those whose files have changed or all.
  /// - Returns: A sentence about each that was tried. One that cannot be read stays what it was.
  package func reload(all: Bool) -> [String] {
    loading.withLock { _ in
      state.withLock { $0.entries }.compactMap { entry in
        guard all || FileStamp(entry.source.path) != entry.stamp else { return nil }
        do {
          try read(entry)
          return "\(entry.source.path): model \"\(entry.source.name)\" is version \(entry.version + 1) now."
        } catch let error as EvenkeelError {
          return "\(error.at(entry.source.path).message) Version \(entry.version) goes on."
        } catch { return "\(entry.source.path): \(error)." }
      }
    }
  }

  private func read(_ entry: Entry) throws {
    let stamp = FileStamp(entry.source.path)
    update(entry) { $0.stamp = stamp }
    let ensemble = try ModelEnsemble(contentsOf: entry.source.path)
    let version = entry.version + 1
    let model = try ServedModel(ensemble, name: entry.source.name, version: version, options: options)
    update(entry) { ($0.model, $0.version) = (model, version) }
  }

  private func update(_ entry: Entry, _ change: (inout Entry) -> Void) {
    state.withLock { state in
      change(&state.entries[state.entries.firstIndex { $0.source.name == entry.source.name }!])
    }
  }
}
