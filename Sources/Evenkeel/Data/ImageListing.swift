/// Image files that were found but not read, each with its class where it has one.
struct ImageListing {
  private(set) var files: [String]
  private(set) var classes: [Int32] = []
  /// The names of the classes; empty where the files have none.
  private(set) var labels: [String] = []
  /// What lies beside the images and is none.
  private(set) var skipped: [String] = []
  /// The folder that was listed; nil for a single file.
  let folder: String?
  /// What messages call it.
  var place: String { folder ?? files[0] }

  init(file: String) { (files, folder) = ([file], nil) }

  /// The images of one folder, without classes.
  init(flat folder: Folder) throws {
    (files, self.folder) = ([], folder.path)
    try add(folder)
  }

  /// The files of a folder that holds a folder for each class. Classes that are not among
  /// `known` come after them.
  init(_ folder: Folder, known: [String] = []) throws {
    (files, self.folder) = ([], folder.path)
    labels = known + folder.folders.filter { !known.contains($0) }
    for name in folder.folders {
      let before = files.count
      try add(Folder(folder.path + "/" + name))
      classes += files[before...].map { _ in Int32(labels.firstIndex(of: name)!) }
    }
    guard !files.isEmpty else { throw EvenkeelError.data("\(folder.path): there are no images.") }
  }

  /// The same files.
  /// - Throws: `EvenkeelError` with code `data` if they are of fewer than two classes.
  func forTraining() throws -> ImageListing {
    guard labels.count > 1 else {
      throw EvenkeelError.data(
        "\(place): expected a folder of images for each of at least 2 classes, got \(labels.count) (\(labels[0])).")
    }
    return self
  }

  private mutating func add(_ folder: Folder) throws {
    if let inner = folder.folders.first {
      throw EvenkeelError.data("\(folder.path)/\(inner) is a folder; expected an image.")
    }
    let images = folder.files.filter { !Self.namesOfOthers.contains($0.lowercased()) }
    guard !images.isEmpty else { throw EvenkeelError.data("\(folder.path): there are no images.") }
    files += images.map { folder.path + "/" + $0 }
    skipped += (folder.hidden + folder.files.filter { !images.contains($0) }).sorted().map { folder.path + "/" + $0 }
  }

  /// What Windows leaves in folders of images.
  private static let namesOfOthers: Set = ["thumbs.db", "desktop.ini"]

  /// - Parameter right: Files of the classes of `left` and maybe of others.
  static func += (left: inout Self, right: Self) {
    left.labels = right.labels
    left.files += right.files
    left.classes += right.classes
    left.skipped += right.skipped
  }
}
