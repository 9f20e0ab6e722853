import Foundation

/// The Python of the repository's `.venv`, which `Scripts/setup test` prepares.
package enum Python {
  private static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
  private static let path = root + "/.venv/bin/python"

  /// Whether it has a package.
  package static func has(_ package: String) -> Bool {
    FileManager.default.isExecutableFile(atPath: path) && (try? run(["-c", "import \(package)"])) != nil
  }

  /// What a script of `Tests/Fixtures` prints, as JSON.
  package static func json<Content: Decodable>(
    _ script: String, _ arguments: [String], as content: Content.Type = Content.self
  ) throws -> Content {
    try JSONDecoder().decode(content, from: run([root + "/Tests/Fixtures/" + script] + arguments))
  }

  package struct Failed: Error {
    package let errors: String
  }

  private static func run(_ arguments: [String]) throws -> Data {
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
    guard process.terminationStatus == 0 else {
      throw Failed(errors: String(decoding: (try? Data(contentsOf: errors)) ?? Data(), as: UTF8.self))
    }
    return try Data(contentsOf: output)
  }
}
