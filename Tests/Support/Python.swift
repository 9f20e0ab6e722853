import Foundation

/// The Python of the repository's `.venv`, which `Scripts/setup test` prepares.
package enum Python {
  private static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
  private static let path = root + "/.venv/bin/python"

  /// Whether it has packages, named with commas between them.
  package static func has(_ packages: String) -> Bool {
    FileManager.default.isExecutableFile(atPath: path) && (try? run(["-c", "import \(packages)"]))?.code == 0
  }

  /// Runs a script of `Tests/Fixtures` to its end.
  /// - Returns: What it exits with, and all that it prints.
  package static func runScript(_ name: String, _ arguments: String...) throws -> (code: Int32, output: String) {
    let ended = try run([root + "/Tests/Fixtures/" + name] + arguments)
    return (ended.code, String(decoding: ended.output + ended.errors, as: UTF8.self))
  }

  /// What a script of `Tests/Fixtures` prints, as JSON.
  package static func json<Content: Decodable>(
    _ script: String, _ arguments: [String], as content: Content.Type = Content.self
  ) throws -> Content {
    let ended = try run([root + "/Tests/Fixtures/" + script] + arguments)
    guard ended.code == 0 else { throw Failed(errors: String(decoding: ended.errors, as: UTF8.self)) }
    return try JSONDecoder().decode(content, from: ended.output)
  }

  /// Runs `body` while a script of `Tests/Fixtures` runs, which is ended afterwards.
  package static func whileRunning(_ script: String, _ arguments: [String], _ body: () throws -> Void) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = [root + "/Tests/Fixtures/" + script] + arguments
    process.standardInput = FileHandle.nullDevice
    try process.run()
    defer {
      // Threads of a pool have other signals blocked, and so has what they start.
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    try body()
  }

  package struct Failed: Error {
    package let errors: String
  }

  private static func run(_ arguments: [String]) throws -> (code: Int32, output: Data, errors: Data) {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("evenkeel-python-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (output, errors) = (folder.appendingPathComponent("output"), folder.appendingPathComponent("errors"))
    for url in [output, errors] { _ = FileManager.default.createFile(atPath: url.path, contents: nil) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
    process.waitUntilExit()
    return (process.terminationStatus, try Data(contentsOf: output), try Data(contentsOf: errors))
  }
}
