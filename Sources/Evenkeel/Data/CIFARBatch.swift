import Glibc

/// One file of CIFAR-10's binary version (Krizhevsky 2009): records of a label byte and 1,024 red, 1,024 green and 1,024
/// blue bytes, each plane row after row.
package struct CIFARBatch {
  static let shape: Shape = [32, 32, 3]
  static let testName = "test_batch.bin"
  static let trainingNames = (1...5).map { "data_batch_\($0).bin" }
  private static let pixels = 1024
  private static let recordSize = 1 + 3 * pixels

  fileprivate let bytes: FileBytes
  let count: Int

  /// - Throws: `EvenkeelError` with code `data` if the file is not whole records or a label is above 9.
  package init(_ bytes: FileBytes) throws {
    guard bytes.count > 0, bytes.count % Self.recordSize == 0 else {
      throw EvenkeelError.data(
        "\(bytes.name): expected records of \(Self.recordSize) bytes (a label, 1024 red, 1024 green, 1024 blue), got \(bytes.count) bytes."
      )
    }
    self.bytes = bytes
    count = bytes.count / Self.recordSize
    for (record, label) in labels.enumerated() where label > 9 {
      throw EvenkeelError.data("\(bytes.name): the label of record \(record) is \(label); expected 0 to 9.")
    }
  }

  var labels: [Int32] { (0..<count).map { Int32(bytes.bytes[$0 * Self.recordSize]) } }

  /// Writes the images with their channels side by side: `count` times 32 × 32 × 3 bytes.
  func interleave(into images: UnsafeMutablePointer<UInt8>) {
    withExtendedLifetime(bytes) {
      for record in 0..<count {
        let red = bytes.start.assumingMemoryBound(to: UInt8.self) + record * Self.recordSize + 1
        let image = images + record * 3 * Self.pixels
        for pixel in 0..<Self.pixels {
          image[3 * pixel] = red[pixel]
          image[3 * pixel + 1] = red[Self.pixels + pixel]
          image[3 * pixel + 2] = red[2 * Self.pixels + pixel]
        }
      }
    }
  }
}

extension Dataset {
  /// Reads a folder of CIFAR-10's binary version: the training batches `data_batch_1.bin` to `data_batch_5.bin` that are
  /// there, and `test_batch.bin`, gzipped or not. Examples have the shape `[32, 32, 3]`.
  ///
  /// The classes have the names in `batches.meta.txt`, one per line, if that file exists, otherwise CIFAR-10's own.
  ///
  /// ```swift
  /// let photos = try Dataset.cifar10(at: "cifar10")
  /// ```
  /// - Parameters:
  ///   - folder: The path of the folder.
  ///   - validation: The share of the training examples that is set apart, drawn by `seed`.
  ///   - seed: The same seed gives the same parts.
  /// - Throws: `EvenkeelError`: `noInput` that names a missing file, `data` for one that is damaged.
  public static func cifar10(at folder: String, validation: Double = 0, seed: UInt64 = 0) throws -> DatasetSplits {
    let content = try Folder(folder)
    let batches = CIFARBatch.trainingNames.compactMap { content.find($0) }
    guard !batches.isEmpty else {
      throw EvenkeelError.noInput("\(folder) has no data_batch_1.bin to data_batch_5.bin, plain or with .gz.")
    }
    let test = try cifar10Test(at: folder)
    let (fitted, held) = try cifar10(content, batches).split(fraction: validation, seed: seed)
    return DatasetSplits(training: fitted, validation: held, test: test)
  }

  /// Only the test part.
  static func cifar10Test(at folder: String) throws -> Dataset {
    let content = try Folder(folder)
    return try cifar10(content, [content.require(CIFARBatch.testName)])
  }

  private static func cifar10(_ folder: Folder, _ paths: [String]) throws -> Dataset {
    let names = try folder.find("batches.meta.txt").map { try classNames(FileBytes($0)) } ?? cifar10Classes
    var read = [CIFARBatch?](repeating: nil, count: paths.count)
    // Inflating takes longest.
    try read.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let results = buffer
      try concurrently(paths.count) {
        let file = try FileBytes(paths[$0])
        results[$0] = try file.reading { try CIFARBatch(file) }
      }
    }
    let batches = read.map { $0! }
    let starts = batches.reduce(into: [0]) { $0.append($0.last! + $1.count) }
    let width = CIFARBatch.shape.count
    let images = try FileBytes(count: starts.last! * width, name: folder.path) { memory in
      nonisolated(unsafe) let start = memory
      try concurrently(batches.count) { batches[$0].interleave(into: start + starts[$0] * width) }
    }
    let labels = batches.flatMap(\.labels)
    for batch in batches { try batch.bytes.requireUnchanged() }
    return Dataset(
      shape: CIFARBatch.shape,
      examples: ExampleStorage(
        owner: images, base: images.start, element: .uint8, count: starts.last!, storedWidth: width),
      targets: .classes(labels, labels: names))
  }

  private static let cifar10Classes = [
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
  ]

  private static func classNames(_ file: FileBytes) throws -> [String] {
    let names = String(decoding: try file.copy, as: UTF8.self).split { $0.isNewline }.map(String.init)
    guard names.count == 10, Set(names).count == 10 else {
      throw EvenkeelError.data(
        "\(file.name): expected 10 different class names, one per line, got \(Set(names).count).")
    }
    return names
  }
}
