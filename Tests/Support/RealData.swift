import Glibc

/// Where real data lies; tests that need it are left out where EVENKEEL_DATA is not set.
package let dataFolder = getenv("EVENKEEL_DATA").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
