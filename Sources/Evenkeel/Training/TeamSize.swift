import Glibc
import Kernels

/// How many threads a training run uses now: as many as pay, at most as many as it may. Whatever it decides, the numbers are the same.
///
/// Where other programs run, or where cores share a cache badly, a second thread can cost more than it does. So steps are timed in
/// short periods. If steps are short or much of a period went by waiting for helpers, the next one is tried with half the threads; if
/// there are fewer threads than there may be, one with twice as many, by turns. Whichever is faster stays. A trial that did not pay doubles the
/// time to the next one.
package final class TeamSize {
  /// The number of threads to use now.
  package private(set) var current: Int
  private let largest: Int
  /// The size that has proved best, and its nanoseconds a step in the best of the last periods.
  private var best: Int
  private var bestTime = Double.infinity
  private var isTrial: Bool { current != best }
  /// Since the start of the period.
  private var steps = 0
  private var started: UInt64
  private var waited: UInt64 = 0
  /// Periods to the next trial, and after the next one that does not pay.
  private var patience = 8
  private var interval = 8
  /// Whether the last trial was one with fewer threads.
  private var triedFewer = false

  package init(largest: Int) {
    self.largest = largest
    (current, best) = (largest, largest)
    started = Self.now()
  }

  private static let shortestPeriod: UInt64 = 5_000_000, fewestSteps = 3, longestInterval = 128
  /// The share of a period that helpers may be waited for, and how much faster another size must be.
  private static let muchWaiting = 0.15, advantage = 0.97, forgetting = 1.05
  /// Below this many nanoseconds a step may be too short for what one thread must tell another.
  private static let shortStep = 1e6

  private static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// Call before the first step after a pause, which does not count.
  func begin() {
    steps = 0
    started = Self.now()
    waited = ek_team_waited()
  }

  /// Call after every step.
  func noteStep() {
    guard largest > 1 else { return }
    steps += 1
    guard steps >= Self.fewestSteps else { return }
    let elapsed = Self.now() - started
    guard elapsed >= Self.shortestPeriod else { return }
    decide(nanoseconds: Double(elapsed) / Double(steps), waiting: Double(ek_team_waited() - waited) / Double(elapsed))
    begin()
  }

  /// Chooses the size of the next period.
  package func decide(nanoseconds: Double, waiting: Double) {
    if isTrial {
      if nanoseconds < bestTime * Self.advantage {
        (best, bestTime, interval) = (current, nanoseconds, 8)
      } else {
        current = best
        interval = min(2 * interval, Self.longestInterval)
      }
      patience = interval
      return
    }
    // One period that something else slowed down is no reason to change; many are.
    bestTime = min(nanoseconds, bestTime * Self.forgetting)
    patience -= 1
    guard patience <= 0 else { return }
    if current > 1, waiting > Self.muchWaiting || nanoseconds < Self.shortStep, current == largest || !triedFewer {
      triedFewer = true
      current /= 2
    } else if current < largest {
      triedFewer = false
      current = min(2 * current, largest)
    }
  }
}
