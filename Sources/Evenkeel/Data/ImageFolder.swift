import Glibc

/// Image files that were found but not read, each with its class where it has one.
private struct ImageListing {
  private(set) var files: [String]
  private(set) var classes: [Int32] = []
  /// The names of the classes; empty where the files have none.
  private(set) var labels: [String] = []

  init(files: [String]) { self.files = files }

  /// The files of a folder that holds a folder for each class. The classes are those of `known`, where it is given.
  init(_ folder: Folder, known: [String]? = nil) throws {
    files = []
    labels = known ?? folder.folders
    for name in folder.folders {
      guard let label = labels.firstIndex(of: name) else {
        throw EvenkeelError.data("\(folder.path): the class \"\(name)\" does not occur in the training part.")
      }
      let images = try Self.images(in: Folder(folder.path + "/" + name))
      files += images
      classes += images.map { _ in Int32(label) }
    }
    guard !files.isEmpty else { throw EvenkeelError.data("\(folder.path): there are no images.") }
  }

  /// The same files.
  /// - Throws: `EvenkeelError` with code `data` if they are of fewer than two classes.
  func forTraining(_ folder: String) throws -> ImageListing {
    guard labels.count > 1 else {
      throw EvenkeelError.data(
        "\(folder): expected a folder of images for each of at least 2 classes, got \(labels.count) (\(labels[0])).")
    }
    return self
  }

  static func images(in folder: Folder) throws -> [String] {
    if let inner = folder.folders.first {
      throw EvenkeelError.data("\(folder.path)/\(inner) is a folder; expected an image.")
    }
    guard !folder.files.isEmpty else { throw EvenkeelError.data("\(folder.path): there are no images.") }
    return folder.files.map { folder.path + "/" + $0 }
  }

  static func += (left: inout Self, right: Self) {
    left.files += right.files
    left.classes += right.classes
  }

  /// Reads all files: their headers first, so that size and memory are known before any pixel is.
  /// - Parameter length: The number of values of an example that a model takes; gray images become color where it needs that.
  func read(length: Int?) throws -> Dataset {
    var shapes = [Shape](repeating: [], count: files.count)
    try shapes.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let results = buffer
      try concurrently(files.count) {
        let file = try FileBytes(files[$0])
        results[$0] = try file.reading { try ImageFile.shape(of: file) }
      }
    }
    let size = shapes[0].dimensions.prefix(2)
    for (file, shape) in zip(files, shapes) where shape.dimensions.prefix(2) != size {
      throw EvenkeelError.data(
        "\(file): expected an image of \(size[1]) × \(size[0]) pixels as \(files[0]), got \(shape.dimensions[1]) × \(shape.dimensions[0])."
      )
    }
    let isColor = shapes.contains { $0.featureCount == 3 } || size[0] * size[1] * 3 == length
    let shape: Shape = [size[0], size[1], isColor ? 3 : 1]
    if let length, shape.count != length {
      throw EvenkeelError.data(
        "\(files[0]): the model takes \(length) values, the image \(shape) gives \(shape.count).")
    }
    let pixels = try FileBytes(count: files.count * shape.count, name: "\(files.count) images of \(shape)") { memory in
      nonisolated(unsafe) let start = memory
      try concurrently(files.count) {
        let (index, file) = ($0, try FileBytes(files[$0]))
        try file.reading { try ImageFile.decode(file, as: shape, into: start + index * shape.count) }
      }
    }
    return Dataset(
      shape: shape,
      examples: ExampleStorage(
        owner: pixels, base: pixels.start, element: .uint8, count: files.count, storedWidth: shape.count),
      targets: labels.isEmpty ? .none : .classes(classes, labels: labels), files: files)
  }
}

extension Dataset {
  /// Reads a folder of PNG and JPEG images, one folder per class; the names of the classes are those of the folders,
  /// sorted.
  ///
  /// With the folders `train` and `test` in it, those are the parts, each with a folder for each class. `val` or
  /// `validation` is the validation part, or the test part where there is no `test`. Without them the test part is drawn.
  ///
  /// Examples have the shape `[height, width, 3]`, or `[height, width, 1]` if all images are gray. All must have one size.
  /// They are kept as bytes: values of 16 bits are rounded, transparent pixels laid over white. Files whose names begin
  /// with a point are left out; a camera's note of how it was held (EXIF) is not followed.
  /// - Parameters:
  ///   - validation: The share of the training images that is set apart, drawn by `seed`.
  ///   - test: The share of all images that is set apart where the folder has no parts.
  /// - Throws: `EvenkeelError`: `noInput` for what cannot be opened, `data` that names a file that is no image, is damaged
  ///   or has another size, or a class without images; `usage` for a share where the folder has a validation part.
  public static func images(
    at folder: String, validation: Double = 0, test: Double = 0.2, seed: UInt64 = 0
  ) throws -> DatasetSplits {
    let content = try Folder(folder)
    guard let parts = ImageParts(content) else {
      let (rest, tested) = try ImageListing(content).forTraining(folder).read(length: nil).split(
        fraction: test, seed: seed)
      let (fitted, held) = rest.split(fraction: validation, seed: seed &+ 1)
      return DatasetSplits(training: fitted, validation: held, test: tested)
    }
    guard validation == 0 || parts.validation == nil else {
      throw EvenkeelError.usage("\(folder) has its own validation part; omit the share of the training part.")
    }
    var listing = try ImageListing(Folder(folder + "/train")).forTraining(folder + "/train")
    var ends = [listing.files.count]
    for part in [parts.validation, parts.test] {
      if let part { listing += try ImageListing(Folder(folder + "/" + part), known: listing.labels) }
      ends.append(listing.files.count)
    }
    let whole = try listing.read(length: nil)
    let (fitted, held) = whole.subset(0..<ends[0]).split(fraction: validation, seed: seed)
    return DatasetSplits(
      training: fitted, validation: parts.validation == nil ? held : whole.subset(ends[0]..<ends[1]),
      test: whole.subset(ends[1]..<ends[2]))
  }

  /// The images that a stored model is used on: one file, all of a folder, all of a folder of classes, or the test part.
  /// - Parameter length: The number of values of an example that the model takes.
  static func imagesForUse(
    at path: String, length: Int, targets: Bool, training: Bool = false
  ) throws -> Dataset {
    let listing: ImageListing
    if try Folder.isFolder(path) {
      let content = try Folder(path)
      if content.folders.isEmpty {
        listing = ImageListing(files: try ImageListing.images(in: content))
      } else {
        listing = try ImageListing(
          ImageParts(content).map { try Folder(path + "/" + (training ? "train" : $0.test)) } ?? content)
      }
    } else {
      listing = ImageListing(files: [path])
    }
    guard !targets || !listing.labels.isEmpty else {
      guard try Folder.isFolder(path) else {
        throw EvenkeelError.data(
          "\(path): the model takes images; expected a folder of images for each class, got a file.")
      }
      throw EvenkeelError.data("\(path): expected a folder of images for each class; these have no classes.")
    }
    return try listing.read(length: length)
  }
}

/// The names of the folders of the parts of a folder that has them.
private struct ImageParts {
  let validation: String?
  let test: String

  init?(_ folder: Folder) {
    guard folder.folders.contains("train") else { return nil }
    let others = ["val", "validation", "test"].filter { folder.folders.contains($0) }
    guard let last = others.last else { return nil }
    test = last
    validation = others.count > 1 ? others[0] : nil
  }
}
