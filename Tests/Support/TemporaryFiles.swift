import Evenkeel
import FoundationEssentials
import Glibc

/// A path in the temporary folder that nothing else uses.
private func unusedPath(_ suffix: String) -> String {
  "/tmp/evenkeel-test-\(getpid())-\(UInt64.random(in: 0 ... .max))\(suffix)"
}

/// Hands `body` a path that nothing else uses and removes what lies there afterwards, a journal beside it included.
/// - Parameter text: What the file holds; nil where there is none yet.
package func withTemporaryPath<Result>(
  _ suffix: String = ".safetensors", containing text: String? = nil, _ body: (String) throws -> Result
) throws -> Result {
  let path = unusedPath(suffix)
  defer { for end in ["", "-wal", "-shm"] { unlink(path + end) } }
  if let text { try Model.writeText(text, to: path) }
  return try body(path)
}

/// Hands `body` the path of a file of `bytes`, which is removed afterwards.
package func withTemporaryPath<Result>(
  _ suffix: String, containing bytes: [UInt8], _ body: (String) throws -> Result
) throws -> Result {
  try withTemporaryPath(suffix) { path in
    writeBytes(bytes, to: path)
    return try body(path)
  }
}

/// Hands `body` an empty folder of its own and removes it afterwards with all that lies in it.
package func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let path = unusedPath("")
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}

/// The same for what waits.
package func withTemporaryFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
  let path = unusedPath("")
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try await body(path)
}

/// Makes a file of just `bytes`, or replaces the content of one.
package func writeBytes(_ bytes: [UInt8], to path: String) {
  guard let file = fopen(path, "wb") else { fatalError("\(path) cannot be written.") }
  fwrite(bytes, 1, bytes.count, file)
  fclose(file)
}
