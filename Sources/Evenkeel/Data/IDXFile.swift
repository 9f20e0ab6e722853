import Glibc

/// One IDX file (LeCun's format for MNIST): unsigned bytes with one to three axes.
package struct IDXFile {
  let bytes: FileBytes
  let shape: [Int]
  /// Where the items start.
  let offset: Int

  /// - Throws: `EvenkeelError` with code `data` if the header is no IDX header or promises more than the file holds.
  package init(_ bytes: FileBytes, axes: Int) throws {
    self.bytes = bytes
    let name = bytes.name
    let header = 4 + 4 * axes
    guard bytes.count >= header else {
      throw EvenkeelError.data("\(name): expected an IDX header of \(header) bytes, got \(bytes.count) bytes.")
    }
    let content = bytes.bytes
    guard content[0] == 0, content[1] == 0, content[2] == 8, content[3] == UInt8(axes) else {
      throw EvenkeelError.data(
        "\(name): expected the IDX magic number 0 0 8 \(axes) (unsigned bytes, \(axes) axes), got \(content[0]) \(content[1]) \(content[2]) \(content[3])."
      )
    }
    shape = (0..<axes).map {
      Int(UInt32(bigEndian: content.loadUnaligned(fromByteOffset: 4 + 4 * $0, as: UInt32.self)))
    }
    offset = header
    guard shape[0] < 1 << 31 else {
      throw EvenkeelError.data("\(name): the header promises \(shape[0]) items; expected fewer than 2^31.")
    }
    guard let count = Shape.checkedCount(shape), count <= bytes.count - header else {
      throw EvenkeelError.data(
        "\(name): the header promises \(Shape(shape)) bytes, the file holds \(bytes.count - header).")
    }
    guard count == bytes.count - header else {
      throw EvenkeelError.data(
        "\(name): the header promises \(count) bytes, the file holds \(bytes.count - header).")
    }
    try Dataset.requireMemory(forExamples: shape[0], of: name)
  }
}

extension Dataset {
  /// Reads a folder of the four files of MNIST and similar sets, gzipped or not. Files that are not gzipped are mapped.
  ///
  /// ```swift
  /// let digits = try Dataset.idx(at: "mnist", validation: 0.1)
  /// print(digits.training.count, digits.validation.count, digits.test.count)
  /// ```
  /// - Parameters:
  ///   - folder: The path of the folder.
  ///   - validation: The share of the training examples that is set apart, drawn by `seed`.
  ///   - seed: The same seed gives the same parts.
  /// - Throws: `EvenkeelError`: `noInput` that names a missing file, `data` for one that is damaged.
  public static func idx(at folder: String, validation: Double = 0, seed: UInt64 = 0) throws -> DatasetSplits {
    let training = try idx(in: folder, "train", classes: nil)
    guard case .classes(_, let labels) = training.targets else { preconditionFailure("IDX labels are classes.") }
    let test = try idx(in: folder, "t10k", classes: labels.count)
    guard training.shape == test.shape else {
      throw EvenkeelError.data("\(folder): training images are \(training.shape), test images \(test.shape).")
    }
    let (fitted, held) = training.split(fraction: validation, seed: seed)
    return DatasetSplits(training: fitted, validation: held, test: test)
  }

  private static func idx(in folder: String, _ part: String, classes: Int?) throws -> Dataset {
    let content = try Folder(folder)
    let images = try IDXFile(FileBytes(content.require(part + "-images-idx3-ubyte")), axes: 3)
    let labels = try IDXFile(FileBytes(content.require(part + "-labels-idx1-ubyte")), axes: 1)
    return try images.bytes.reading {
      try labels.bytes.reading { try dataset(images: images, labels: labels, classes: classes) }
    }
  }

  /// - Parameter classes: How many classes there are; nil to take them from the labels.
  static func dataset(images: IDXFile, labels: IDXFile, classes: Int?) throws -> Dataset {
    let count = images.shape[0]
    guard count > 0, images.shape[1] > 0, images.shape[2] > 0 else {
      throw EvenkeelError.data("\(images.bytes.name): there are no images (\(Shape(images.shape))).")
    }
    guard labels.shape[0] == count else {
      throw EvenkeelError.data("\(labels.bytes.name): expected \(count) labels, one per image, got \(labels.shape[0]).")
    }
    let indices = (0..<count).map { Int32(labels.bytes.bytes[labels.offset + $0]) }
    let known = classes
    let classes = known ?? Int(indices.max()!) + 1
    let used = Set(indices).count
    if known == nil, classes > 2 * used + 1, let row = indices.firstIndex(of: Int32(classes - 1)) {
      throw EvenkeelError.data(
        "\(labels.bytes.name): label \(row) is \(classes - 1), but only \(used) classes occur; expected them to be numbered from 0."
      )
    }
    if let row = indices.firstIndex(where: { $0 >= classes }) {
      throw EvenkeelError.data("\(labels.bytes.name): label \(row) is \(indices[row]); expected 0 to \(classes - 1).")
    }
    return Dataset(
      shape: [images.shape[1], images.shape[2]],
      examples: ExampleStorage(
        owner: images.bytes, base: images.bytes.start + images.offset, element: .uint8, count: count,
        storedWidth: images.shape[1] * images.shape[2]),
      targets: .classes(indices, labels: (0..<classes).map { String($0) }))
  }
}
