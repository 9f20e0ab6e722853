#if Server
  import Dispatch
  import Synchronization

  /// Runs `body` on the shared threads and waits for its end.
  func waiting(for body: @escaping @Sendable () async throws -> Void) throws {
    let (end, failure) = (DispatchSemaphore(value: 0), Failure())
    Task {
      do { try await body() } catch { failure.error.withLock { $0 = error } }
      end.signal()
    }
    end.wait()
    if let error = failure.error.withLock({ $0 }) { throw error }
  }

  private final class Failure: Sendable {
    let error = Mutex<(any Error)?>(nil)
  }
#endif
