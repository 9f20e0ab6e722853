import Foundation
import Testing

/// Runs tests on threads of their own.
///
/// For tests that wait for a socket or a browser in a call that blocks: what answers them runs on the pool of the tasks, which has as many
/// threads as the machine has processors, and must not wait for theirs.
package struct OwnThreads: SuiteTrait, TestTrait, TestScoping {
  package var isRecursive: Bool { true }

  package func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    try await withTaskExecutorPreference(ThreadExecutor()) { try await function() }
  }
}

extension Trait where Self == OwnThreads {
  package static var ownThreads: Self { Self() }
}

/// Gives each job a new thread.
private final class ThreadExecutor: TaskExecutor {
  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    Thread.detachNewThread { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
