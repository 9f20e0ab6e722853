import Dispatch
import Synchronization

/// Runs `body` for 0 ..< `count` on all processors, in any order.
/// - Throws: What the lowest of the indices that failed threw, so an error does not depend on the order either.
func concurrently(_ count: Int, _ body: @Sendable (Int) throws -> Void) throws {
  let first = Mutex<(index: Int, error: any Error)?>(nil)
  DispatchQueue.concurrentPerform(iterations: count) { index in
    guard first.withLock({ $0.map { index < $0.index } ?? true }) else { return }
    do { try body(index) } catch {
      first.withLock { if $0 == nil || index < $0!.index { $0 = (index, error) } }
    }
  }
  if let error = first.withLock({ $0?.error }) { throw error }
}
