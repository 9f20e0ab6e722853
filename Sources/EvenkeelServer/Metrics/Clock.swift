import Glibc

/// The time.
package enum Clock {
  /// Nanoseconds of a clock that only goes forward.
  package static var now: Int { read(CLOCK_MONOTONIC) }
  /// Milliseconds since 1970.
  package static var today: Int { read(CLOCK_REALTIME) / 1_000_000 }

  private static func read(_ clock: clockid_t) -> Int {
    var time = timespec()
    clock_gettime(clock, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }
}
