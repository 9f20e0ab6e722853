extension Dataset {
  /// Reads a folder of PNG, JPEG and WebP images, one folder per class; the names of the classes are those of the folders,
  /// sorted.
  ///
  /// With the folders `train` and `test` in it, those are the parts, each with a folder for each class. `val` or
  /// `validation` is the validation part, or the test part where there is no `test`. Without them the test part is drawn.
  ///
  /// Examples have the shape `[height, width, 3]`, or `[height, width, 1]` if all images are gray. They are upright (a camera's
  /// note of how it was held, EXIF, is followed), of one size, and kept as bytes, in Pillow's values. Transparency is dropped. Hidden
  /// and empty files and what Windows leaves in folders are no images; `DatasetSplits.warnings` counts them.
  ///
  /// ```swift
  /// let photos = try Dataset.images(at: "photos", options: ImageOptions(size: ImageSize("64x48"), resizing: .crop))
  /// ```
  /// - Parameters:
  ///   - folder: The path of the folder.
  ///   - options: The size, and what becomes of damaged images.
  ///   - validation: The share of the training images that is set apart, drawn by `seed`.
  ///   - test: The share of all images that is set apart where the folder has no parts.
  ///   - seed: The same seed gives the same parts.
  /// - Throws: `EvenkeelError`: `noInput` for what cannot be opened, `data` that names a file that is no image, is damaged
  ///   or a class without images; `usage` for a share where the folder has a validation part.
  public static func images(
    at folder: String, options: ImageOptions = ImageOptions(), validation: Double = 0, test: Double = 0.2,
    seed: UInt64 = 0
  ) throws -> DatasetSplits {
    let content = try Folder(folder)
    var warnings: [String] = []
    guard let parts = ImageParts(content) else {
      let listing = try ImageListing(content).forTraining()
      let (rest, tested) = try listing.read(
        .options(options, training: listing.files.count), skippingBroken: options.skipsBroken, warnings: &warnings
      ).dataset.split(fraction: test, seed: seed)
      let (fitted, held) = rest.split(fraction: validation, seed: seed &+ 1)
      return DatasetSplits(training: fitted, validation: held, test: tested, warnings: warnings)
    }
    guard validation == 0 || parts.validation == nil else {
      throw EvenkeelError.usage("\(folder) has its own validation part; omit the share of the training part.")
    }
    var listing = try ImageListing(Folder(folder + "/train")).forTraining()
    let labels = listing.labels
    var ends = [listing.files.count]
    for part in [parts.validation, parts.test] {
      if let part { listing += try ImageListing(Folder(folder + "/" + part), known: listing.labels) }
      ends.append(listing.files.count)
    }
    let (whole, positions) = try listing.read(
      .options(options, training: ends[0]), skippingBroken: options.skipsBroken, warnings: &warnings)
    func part(_ range: Range<Int>) -> Dataset { whole.subset(positions.indices.filter { range ~= positions[$0] }) }
    var known = part(0..<ends[0])
    // Classes that only other parts have come last; a model has no outputs for them.
    if case .classes(let classes, _) = known.targets { known.targets = .classes(classes, labels: labels) }
    let (fitted, held) = known.split(fraction: validation, seed: seed)
    return DatasetSplits(
      training: fitted, validation: parts.validation == nil ? held : part(ends[0]..<ends[1]),
      test: part(ends[1]..<ends[2]), warnings: warnings)
  }

  /// The images that a stored model is used on: one file, all of a folder, all of a folder of classes, or the test part.
  /// - Parameters:
  ///   - input: What the model's images were; nil if it does not say.
  ///   - length: The number of values of an example that the model takes.
  static func imagesForUse(
    at path: String, input: ImageInput?, length: Int, targets: Bool, training: Bool = false, skippingBroken: Bool,
    warnings: inout [String]
  ) throws -> Dataset {
    let listing: ImageListing
    if try Folder.isFolder(path) {
      let content = try Folder(path)
      if content.folders.isEmpty {
        listing = try ImageListing(flat: content)
      } else {
        listing = try ImageListing(
          ImageParts(content).map { try Folder(path + "/" + (training ? "train" : $0.test)) } ?? content)
      }
    } else {
      listing = ImageListing(file: path)
    }
    guard !targets || !listing.labels.isEmpty else {
      guard try Folder.isFolder(path) else {
        throw EvenkeelError.data(
          "\(path): the model takes images; expected a folder of images for each class, got a file.")
      }
      throw EvenkeelError.data("\(path): expected a folder of images for each class; these have no classes.")
    }
    return try listing.read(
      input.map { .input($0) } ?? .values(count: length), skippingBroken: skippingBroken, warnings: &warnings
    ).dataset
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
