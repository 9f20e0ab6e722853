extension ImageListing {
  /// What is known of the images' size before they are read.
  enum Wish {
    /// As a stored model wants them.
    case input(ImageInput)
    /// Of one size and `count` values, for a model that does not say more.
    case values(count: Int)
    /// As the options say; the first `training` files decide what they leave open.
    case options(ImageOptions, training: Int)
  }

  /// Reads all files: their headers first, so that size and memory are known before any pixel is.
  /// - Returns: The images, and the position in `files` of each.
  /// - Throws: `EvenkeelError` with code `data` that names a file that is no image, is damaged or has another size.
  func read(
    _ wish: Wish, skippingBroken: Bool, warnings: inout [String]
  ) throws -> (dataset: Dataset, positions: [Int]) {
    var notes = ImageNotes(place)
    notes.skipped = skipped
    let headers = try concurrentResults(files.count) { index in
      try result(of: files[index], skippingBroken) { file in
        file.count == 0 && folder != nil ? .empty : .read(try ImageFile.shape(of: file))
      }
    }
    var (shapes, kept): ([Shape], [Int]) = ([], [])
    for (index, header) in headers.enumerated() {
      switch header {
      case .read(let shape):
        shapes.append(shape)
        kept.append(index)
      case .empty: notes.skipped.append(files[index])
      case .broken(let message): notes.broken.append(message)
      }
    }
    guard !kept.isEmpty else {
      throw EvenkeelError.data(notes.broken.first ?? "\(place): there are no images.")
    }
    let input = try input(for: wish, shapes, of: kept, &notes)
    let shape = input.shape, bytes = kept.count * shape.count
    try Machine.requireMemory(
      bytes, for: "\(kept.count) images of \(shape)", remedy: "--image-size sets a smaller size.")
    var outcomes: [Outcome<Void>] = []
    let pixels = try FileBytes(count: bytes, name: "\(kept.count) images of \(shape)") { memory in
      nonisolated(unsafe) let start = memory
      let kept = kept
      outcomes = try concurrentResults(kept.count) { index in
        try result(of: files[kept[index]], skippingBroken) {
          .read(try ImageFile.decode($0, as: input, into: start + index * shape.count))
        }
      }
    }
    let whole = outcomes.indices.filter { index in
      guard case .broken(let message) = outcomes[index] else { return true }
      notes.broken.append(message)
      return false
    }
    let positions = whole.map { kept[$0] }
    try requireEveryClass(in: positions, wish)
    var dataset = Dataset(
      shape: shape,
      examples: ExampleStorage(
        owner: pixels, base: pixels.start, element: .uint8, count: kept.count, storedWidth: shape.count),
      rows: whole.map { Int32($0) },
      targets: labels.isEmpty ? .none : .classes(positions.map { classes[$0] }, labels: labels),
      files: positions.map { files[$0] })
    if case .values = wish {} else { dataset.images = input }
    warnings += notes.sentences
    return (dataset, positions)
  }

  /// What came of a file.
  private enum Outcome<Value: Sendable>: Sendable {
    case read(Value)
    case empty
    case broken(String)
  }

  private func result<Value>(
    of path: String, _ skippingBroken: Bool, _ body: (FileBytes) throws -> Outcome<Value>
  ) throws -> Outcome<Value> {
    let file = try FileBytes(path)
    do { return try file.reading { try body(file) } } catch let error as EvenkeelError where error.code == .data {
      if skippingBroken { return .broken(error.message) }
      throw folder == nil ? error : EvenkeelError.data(error.message + " --skip-broken leaves such files out.")
    }
  }

  /// A class that only damaged files had cannot be learned.
  private func requireEveryClass(in positions: [Int], _ wish: Wish) throws {
    guard !positions.isEmpty else { throw EvenkeelError.data("\(place): every image is damaged.") }
    guard case .options(_, let training) = wish else { return }
    let seen = Set(positions.filter { $0 < training }.map { classes[$0] })
    guard let missing = Set(classes.prefix(training)).subtracting(seen).min() else { return }
    throw EvenkeelError.data("\(place): no image of the class \"\(labels[Int(missing)])\" can be read.")
  }

  private func input(
    for wish: Wish, _ shapes: [Shape], of kept: [Int], _ notes: inout ImageNotes
  ) throws -> ImageInput {
    let isColor = shapes.contains { $0.featureCount == 3 }
    let first = shapes[0].dimensions
    switch wish {
    case .input(let input): return input
    case .values(let count):
      if let other = shapes.firstIndex(where: { $0.dimensions.prefix(2) != first.prefix(2) }) {
        let size = shapes[other].dimensions
        throw EvenkeelError.data(
          "\(files[kept[other]]): expected an image of \(first[1]) × \(first[0]) pixels as \(files[kept[0]]), got \(size[1]) × \(size[0])."
        )
      }
      let channels = isColor || first[0] * first[1] * 3 == count ? 3 : 1
      let input = ImageInput(width: first[1], height: first[0], channels: channels, resizing: .fit)
      guard input.shape.count == count else {
        throw EvenkeelError.data(
          "\(files[kept[0]]): the model takes \(count) values, the image \(input.shape) gives \(input.shape.count).")
      }
      return input
    case .options(let options, let training):
      let deciding = zip(shapes, kept).filter { $0.1 < training }.map(\.0)
      let size = options.size ?? ImageSizes(deciding.isEmpty ? shapes : deciding).chosen
      let input = ImageInput(
        width: size.width, height: size.height, channels: isColor ? 3 : 1, resizing: options.resizing)
      if options.size == nil { notes.resized = ImageNotes.Resized(shapes, to: input) }
      return input
    }
  }
}
