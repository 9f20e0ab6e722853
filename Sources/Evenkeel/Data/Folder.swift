import Glibc

/// The names in a folder, sorted.
package struct Folder {
  let path: String
  private(set) var folders: [String] = []
  private(set) var files: [String] = []
  /// The files whose names begin with a dot; such folders are left out.
  private(set) var hidden: [String] = []

  /// - Throws: `EvenkeelError` with code `noInput` if the folder cannot be read.
  init(_ path: String) throws {
    self.path = path
    guard let stream = opendir(path) else {
      throw EvenkeelError.noInput("\(path): \(String(cString: strerror(errno))).")
    }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let (name, isText) = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) {
          (String(cString: $0), String(validatingCString: $0) != nil)
        }
      }
      guard !name.hasPrefix(".") else {
        if name != ".", name != "..", (try? Self.isFolder(path + "/" + name)) != true { hidden.append(name) }
        continue
      }
      guard isText else {
        throw EvenkeelError.noInput("\(path): the name \"\(name)\" is not UTF-8; rename it.")
      }
      if try Self.isFolder(path + "/" + name) { folders.append(name) } else { files.append(name) }
    }
    folders.sort()
    files.sort()
  }

  /// - Throws: `EvenkeelError` with code `noInput` if there is nothing at `path`.
  static func isFolder(_ path: String) throws -> Bool {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw EvenkeelError.noInput("\(path): \(String(cString: strerror(errno))).")
    }
    return status.st_mode & S_IFMT == S_IFDIR
  }

  /// Whether `path` is a folder whose images are read.
  package static func holdsImages(_ path: String) -> Bool {
    guard (try? isFolder(path)) == true, let content = try? Folder(path).content() else { return false }
    return content == .imageFolders || content == .images
  }

  /// The path of the file `name` or `name.gz`.
  func find(_ name: String) -> String? {
    for candidate in [name, name + ".gz"] where files.contains(candidate) { return path + "/" + candidate }
    return nil
  }

  /// What `find` finds.
  /// - Throws: `EvenkeelError` with code `noInput` that names what is missing.
  func require(_ name: String) throws -> String {
    guard let found = find(name) else { throw EvenkeelError.noInput("\(path) has no \(name) or \(name).gz.") }
    return found
  }

  /// The kinds of data that a folder may hold.
  enum Content {
    case idx
    case cifar10
    /// A folder for each class, or for each part.
    case imageFolders
    /// Images and no folders.
    case images
  }

  /// - Throws: `EvenkeelError` with code `data` that says what was looked for.
  func content() throws -> Content {
    let hasIDX = ["train", "t10k"].contains { part in
      find(part + "-images-idx3-ubyte") != nil || find(part + "-labels-idx1-ubyte") != nil
    }
    if hasIDX { return .idx }
    if (CIFARBatch.trainingNames + [CIFARBatch.testName]).contains(where: { find($0) != nil }) { return .cifar10 }
    if !folders.isEmpty { return .imageFolders }
    if files.contains(where: { name in [".png", ".jpg", ".jpeg", ".webp"].contains { name.lowercased().hasSuffix($0) } }
    ) {
      return .images
    }
    throw EvenkeelError.data(
      "\(path): found neither IDX files (train-images-idx3-ubyte …) nor CIFAR-10 batches (data_batch_1.bin …) nor a folder of images for each class."
    )
  }
}
