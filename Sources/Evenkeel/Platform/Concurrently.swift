import Glibc
import Synchronization

/// Runs `body` for 0 ..< `count` on `threads` threads, in any order; only on the calling thread if the system gives no
/// other.
/// - Throws: The error of the lowest index that failed, so that errors do not depend on the order either.
func concurrently(
  _ count: Int, threads most: Int = Machine.threads, _ body: @Sendable (Int) throws -> Void
) throws {
  try withoutActuallyEscaping(body) { body in
    let work = ConcurrentWork(count: count, body: body)
    var threads: [pthread_t] = []
    for _ in 1..<max(1, min(count, most)) {
      var thread = pthread_t()
      let context = Unmanaged.passRetained(work)
      let start: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
        Unmanaged<ConcurrentWork>.fromOpaque(context!).takeRetainedValue().run()
        return nil
      }
      guard pthread_create(&thread, nil, start, context.toOpaque()) == 0 else {
        context.release()
        break
      }
      threads.append(thread)
    }
    work.run()
    for thread in threads { pthread_join(thread, nil) }
    if let error = work.firstError.withLock({ $0?.error }) { throw error }
  }
}

extension Machine {
  /// Makes sure that the system gives this process another thread, where a library would wait for one without end.
  /// - Throws: `EvenkeelError` with code `internal`.
  package static func requireThread(for what: String) throws {
    var thread = pthread_t()
    let status = pthread_create(&thread, nil, { _ in nil }, nil)
    guard status == 0 else {
      throw EvenkeelError(
        .internal,
        "\(what) needs a thread, and the system gives none (\(String(cString: strerror(status)))); raise the limit of processes (ulimit -u)."
      )
    }
    pthread_join(thread, nil)
  }
}

/// What `body` makes of each of 0 ..< `count`, computed on `threads` threads.
/// - Throws: As `concurrently`.
func concurrentResults<Result: Sendable>(
  _ count: Int, threads: Int = Machine.threads, _ body: @Sendable (Int) throws -> Result
) throws -> [Result] {
  var results = [Result?](repeating: nil, count: count)
  try results.withUnsafeMutableBufferPointer { buffer in
    nonisolated(unsafe) let buffer = buffer
    try concurrently(count, threads: threads) { buffer[$0] = try body($0) }
  }
  return results.map { $0! }
}

/// Indices that several threads claim one after the other.
private final class ConcurrentWork: Sendable {
  private let count: Int
  private let body: @Sendable (Int) throws -> Void
  private let next = Atomic(0)
  let firstError = Mutex<(index: Int, error: any Error)?>(nil)

  init(count: Int, body: @escaping @Sendable (Int) throws -> Void) {
    self.count = count
    self.body = body
  }

  /// Takes indices until none are left, or none below one that failed.
  func run() {
    while true {
      let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard index < count, firstError.withLock({ $0.map { index < $0.index } ?? true }) else { return }
      do { try body(index) } catch {
        firstError.withLock { if $0 == nil || index < $0!.index { $0 = (index, error) } }
      }
    }
  }
}
