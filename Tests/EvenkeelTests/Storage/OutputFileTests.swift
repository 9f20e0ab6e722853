import Evenkeel
import EvenkeelTestSupport
import Glibc
import Testing

/// All names in a folder, hidden ones too, sorted.
private func names(_ folder: String) -> [String] {
  guard let stream = opendir(folder) else { return [] }
  defer { closedir(stream) }
  var names: [String] = []
  while let entry = readdir(stream) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if name != "." && name != ".." { names.append(name) }
  }
  return names.sorted()
}

private func text(_ path: String) throws -> String { String(decoding: try FileBytes(path).copy, as: UTF8.self) }

@Test func whatCannotBeWrittenIsFoundBeforeAndNothingIsLeft() throws {
  try withTemporaryFolder { folder in
    try #require(symlink(folder + "/nowhere/at/all.safetensors", folder + "/link") == 0)
    let long = String(repeating: "n", count: 256)
    for path in ["", folder + "/nowhere/m", folder + "/link", folder + "/m/", folder + "/" + long, "/proc/m", folder] {
      for attempt in [{ try Model.requireWritable(path) }, { try Model.writeText("text", to: path) }] {
        let error = #expect(throws: EvenkeelError.self, "\(path)") { try attempt() }
        #expect(
          error?.code == .cannotWrite && error?.message.contains(path.isEmpty ? "\"\"" : path) == true,
          "\(error?.message ?? "")")
      }
    }
    try Model.requireWritable(folder + "/new")
    #expect(names(folder) == ["link"])
    try Model.writeText("old", to: folder + "/old")
    try Model.requireWritable(folder + "/old")
    #expect(try text(folder + "/old") == "old")
    #expect(names(folder) == ["link", "old"])
  }
}

/// In a process of its own, which is nobody's where the tests are root's: root may write everywhere.
@Test func aFolderThatMayNotBeWrittenIsFoundBefore() async {
  await #expect(processExitsWith: .success) {
    try withTemporaryFolder { folder in
      let user = geteuid()
      try #require(chmod(folder, 0o555) == 0 && (user != 0 || seteuid(65534) == 0))
      defer { if seteuid(user) == 0 { chmod(folder, 0o755) } }
      let error = #expect(throws: EvenkeelError.self) { try Model.requireWritable(folder + "/m") }
      #expect(error?.code == .cannotWrite && error?.message.contains("Permission denied") == true)
    }
  }
}

@Test func whatALinkPointsToIsWrittenNotTheLink() throws {
  try withTemporaryFolder { folder in
    try #require(symlink("target", folder + "/link") == 0)
    for content in ["first", "second"] {
      try Model.requireWritable(folder + "/link")
      try Model.writeText(content, to: folder + "/link")
      #expect(try text(folder + "/target") == content)
      #expect(names(folder) == ["link", "target"])
    }
  }
}

@Test func aReplacedFileKeepsItsPermissions() throws {
  try withTemporaryFolder { folder in
    try Model.writeText("old", to: folder + "/m")
    chmod(folder + "/m", 0o600)
    try Model.writeText("new", to: folder + "/m")
    var status = stat()
    #expect(stat(folder + "/m", &status) == 0 && status.st_mode & 0o777 == 0o600)
    #expect(try text(folder + "/m") == "new")
  }
}

@Test func whatKilledWritersLeftIsRemovedAndWhatLivingOnesWriteIsNot() throws {
  try withTemporaryFolder { folder in
    let stale = ".evenkeel-0123456789abcdef.partial"
    let foreign = [".evenkeel-notes.partial", "m.safetensors.1.partial"]
    for name in [stale] + foreign {
      let descriptor = open(folder + "/" + name, O_WRONLY | O_CREAT | O_EXCL, 0o644)
      try #require(descriptor >= 0)
      close(descriptor)
    }
    let living = try TemporaryFile(in: folder, mode: nil, for: "m", needsName: true)
    let its = names(folder).filter { $0 != stale && !foreign.contains($0) }
    #expect(its.count == 1)
    try Model.writeText("text", to: folder + "/m.safetensors")
    #expect(names(folder) == (its + foreign + ["m.safetensors"]).sorted())
    #expect(try living.put(at: folder + "/other", for: "other"))
    #expect(names(folder) == (foreign + ["m.safetensors", "other"]).sorted())
  }
}

@Test(arguments: [false, true])
func aFileThatIsGivenUpLeavesNothing(needsName: Bool) throws {
  try withTemporaryFolder { folder in
    do {
      let file = try TemporaryFile(in: folder, mode: nil, for: "m", needsName: needsName)
      #expect(write(file.descriptor, "half", 4) == 4)
    }
    #expect(names(folder).isEmpty)
  }
}

@Test func aNameThatIsNotUTF8IsSaid() throws {
  try withTemporaryFolder { folder in
    let path = folder.utf8CString.dropLast() + [0x2F, 0x6D, CChar(bitPattern: 0xE9), 0x2E, 0x70, 0x6E, 0x67, 0]
    let descriptor = Array(path).withUnsafeBufferPointer { open($0.baseAddress!, O_WRONLY | O_CREAT, 0o644) }
    try #require(descriptor >= 0)
    close(descriptor)
    defer { _ = Array(path).withUnsafeBufferPointer { unlink($0.baseAddress!) } }
    let error = #expect(throws: EvenkeelError.self) { try Dataset.images(at: folder) }
    #expect(error?.code == .noInput && error?.message.contains("is not UTF-8") == true, "\(error?.message ?? "")")
  }
}
