import Evenkeel
import Glibc
import Testing

/// Where real data lies; tests that need it are left out where EVENKEEL_DATA is not set.
let dataFolder = getenv("EVENKEEL_DATA").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }

/// Hands `body` a path that nothing else uses and removes what lies there afterwards.
func withTemporaryFile<Result>(
  _ suffix: String = ".safetensors", containing text: String? = nil, _ body: (String) throws -> Result
) throws -> Result {
  let path = "/tmp/evenkeel-test-\(getpid())-\(UInt64.random(in: 0 ... .max))\(suffix)"
  defer { unlink(path) }
  if let text { try Model.writeText(text, to: path) }
  return try body(path)
}

/// Hands `body` a folder of its own, in which nothing is, and removes it afterwards if `body` left it so.
func withEmptyFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let path = "/tmp/evenkeel-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
  try #require(mkdir(path, 0o700) == 0)
  defer { rmdir(path) }
  return try body(path)
}

extension Double {
  static func exp(_ x: Double) -> Double { Glibc.exp(x) }
}

/// Sines of the index, as the scripts in Tests/Fixtures make them.
func wave(_ count: Int, _ step: Double, _ size: Double, _ middle: Double = 0) -> [Float] {
  (0..<count).map { Float(size * sin(step * Double($0 + 1)) + middle) }
}
