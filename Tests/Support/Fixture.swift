import Evenkeel
import FoundationEssentials

/// The files of `Tests/Fixtures`, each made by a script beside it.
package enum Fixture {
  private static let folder = #filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 } + "/Fixtures/"

  /// The bytes of the file `name`.
  package static func bytes(_ name: String) -> [UInt8] {
    do { return try FileBytes(folder + name).copy } catch { fatalError("\(error)") }
  }

  /// What the JSON file `name` holds.
  package static func json<Content: Decodable>(_ name: String, as content: Content.Type = Content.self) -> Content {
    do { return try JSONDecoder().decode(content, from: Data(bytes(name))) } catch { fatalError("\(name): \(error)") }
  }
}
