import Evenkeel
import FoundationEssentials
import Glibc
import Testing

/// The package's folder: the nearest above this file that holds the script.
private let root: String = {
  var folder = #filePath[...]
  while let slash = folder.lastIndex(of: "/"), access(folder + "/Scripts/rooms", F_OK) != 0 {
    folder = folder[..<slash]
  }
  return String(folder)
}()

/// Runs `Scripts/rooms` on one house.
private func rooms(_ folder: String) throws -> (code: Int32, output: String) {
  let pipe = try #require(popen("/usr/bin/perl '\(root)/Scripts/rooms' '\(folder)' 2>&1", "r"))
  var output = ""
  var line = [CChar](repeating: 0, count: 4_096)
  while fgets(&line, Int32(line.count), pipe) != nil {
    output += String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
  return (pclose(pipe) >> 8 & 0xff, output)
}

/// Hands `body` a copy of the sources of `house`.
private func withCopy(of house: String, _ body: (String) throws -> Void) throws {
  let folder = "/tmp/evenkeel-rooms-\(getpid())-\(UInt64.random(in: 0 ... .max))"
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  try FileManager.default.copyItem(atPath: "\(root)/Sources/\(house)", toPath: "\(folder)/\(house)")
  try body("\(folder)/\(house)")
}

@Suite(.enabled(if: access("/usr/bin/perl", X_OK) == 0, "there is no perl"))
struct RoomTests {
  @Test(arguments: ["Evenkeel", "EvenkeelLab"])
  func noFileUsesATypeOfARoomAboveItsOwn(house: String) throws {
    let result = try rooms("\(root)/Sources/\(house)")
    #expect(result.code == 0, "\(result.output)")
  }

  @Test(arguments: [
    ("Evenkeel", "Tensor", "Trainer", "Training"), ("EvenkeelLab", "Statistics", "RunStore", "Store"),
  ])
  func anUpwardUseFailsAndIsNamed(house: String, room: String, type: String, above: String) throws {
    try withCopy(of: house) { copy in
      // What only looks like a use is none.
      let innocent = "/// \(type)\nlet text = \"\(type)\"\nstruct Low { var member: Other.\(type)? }\n"
      try AtomicFile.write(innocent, to: "\(copy)/\(room)/Low.swift")
      #expect(try !rooms(copy).output.contains("Low.swift"))
      try AtomicFile.write("struct Low { var high: \(type)? }\n", to: "\(copy)/\(room)/Low.swift")
      let result = try rooms(copy)
      #expect(result.code == 1)
      #expect(
        result.output.contains("\(room)/Low.swift (\(room)) uses \(type) of \(above), a room above it.\n"),
        "\(result.output)")
    }
  }

  @Test func aFileOutsideEveryRoomIsNamed() throws {
    try withCopy(of: "Evenkeel") { copy in
      try AtomicFile.write("struct Homeless {}\n", to: "\(copy)/Homeless.swift")
      let result = try rooms(copy)
      #expect(result.code != 0 && result.output.contains("Homeless.swift lies in no room"), "\(result.output)")
    }
  }
}
