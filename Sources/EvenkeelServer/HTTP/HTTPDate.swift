#if Server
  import Glibc
  import Synchronization

  /// The time as HTTP's header `Date` has it; made once a second.
  enum HTTPDate {
    private static let made = Mutex<(second: Int, text: String)>((0, ""))

    static var now: String {
      let second = Clock.today / 1000
      return made.withLock { made in
        if made.second != second { made = (second, text(second)) }
        return made.text
      }
    }

    private static func text(_ second: Int) -> String {
      var (time, parts) = (time_t(second), tm())
      gmtime_r(&time, &parts)
      let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
      let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
      func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
      let day =
        "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(1900 + parts.tm_year)"
      return "\(day) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
    }
  }
#endif
