import ImageCodecs

/// One PNG, JPEG or WebP file.
package enum ImageFile {
  /// Whether a file with these bytes begins as one.
  package static func isOne(_ bytes: [UInt8]) -> Bool { ek_image_is_one(bytes, bytes.count) != 0 }

  /// What it is when upright: `[height, width, 1]` for gray, `[height, width, 3]` for color.
  /// - Throws: `EvenkeelError` with code `data` for another kind of file, a damaged header or one that promises too much.
  package static func shape(of file: FileBytes) throws -> Shape {
    let (format, orientation) = try stored(file)
    return orientation < 5
      ? [format.height, format.width, format.channels] : [format.width, format.height, format.channels]
  }

  /// Writes the image upright and as `input` wants it: row after row, features last.
  /// - Throws: `EvenkeelError` with code `data` if the image is damaged or there is not enough memory.
  package static func decode(_ file: FileBytes, as input: ImageInput, into pixels: UnsafeMutablePointer<UInt8>) throws {
    var (format, orientation) = try stored(file)
    format.channels = max(format.channels, input.channels)
    func decode(_ target: UnsafeMutablePointer<UInt8>) throws {
      try call(file) { ek_image_decode($0, file.count, format, target, $1) }
    }
    if orientation == 1, input.shape == [format.height, format.width, format.channels] { return try decode(pixels) }
    var image = try Pixels(format, file.name, fill: decode)
    if orientation > 1 {
      var upright = format
      if orientation >= 5 { (upright.width, upright.height) = (format.height, format.width) }
      image = try image.made(into: upright) { ek_image_turn($0, format, Int32(orientation), $1) }
    }
    if image.format.channels > input.channels {
      var gray = image.format
      gray.channels = 1
      image = try image.made(into: gray) { ek_image_to_gray($0, gray.width * gray.height, $1) }
    }
    if image.format.width == input.width, image.format.height == input.height {
      image.read { pixels.update(from: $0, count: input.shape.count) }
    } else {
      try input.resize(image, into: pixels)
    }
  }

  private static func stored(_ file: FileBytes) throws -> (format: ek_image_format, orientation: Int) {
    var format = ek_image_format()
    try call(file) { ek_image_read_format($0, file.count, &format, $1) }
    let orientation = withExtendedLifetime(file) {
      ek_image_orientation(file.start.assumingMemoryBound(to: UInt8.self), file.count)
    }
    return (format, Int(orientation))
  }

  private static func call(
    _ file: FileBytes, _ body: (UnsafePointer<UInt8>, UnsafeMutablePointer<CChar>) -> Int32
  ) throws {
    try withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(EK_IMAGE_MESSAGE_SIZE)) { message in
      let status = withExtendedLifetime(file) {
        body(file.start.assumingMemoryBound(to: UInt8.self), message.baseAddress!)
      }
      guard status == 0 else {
        throw EvenkeelError.data("\(file.name): \(String(cString: message.baseAddress!)).")
      }
    }
  }
}

/// An image on its way to what a model takes.
private struct Pixels {
  let format: ek_image_format
  private let memory: FileBytes

  /// - Throws: What `fill` throws; `EvenkeelError` with code `data` if there is not enough memory.
  init(_ format: ek_image_format, _ name: String, fill: (UnsafeMutablePointer<UInt8>) throws -> Void) throws {
    self.format = format
    memory = try FileBytes(count: format.width * format.height * format.channels, name: name, fill: fill)
  }

  var name: String { memory.name }

  func read<Result>(_ body: (UnsafePointer<UInt8>) -> Result) -> Result {
    withExtendedLifetime(memory) { body(memory.start.assumingMemoryBound(to: UInt8.self)) }
  }

  /// What `body` makes of these pixels.
  func made(
    into format: ek_image_format, _ body: (UnsafePointer<UInt8>, UnsafeMutablePointer<UInt8>) -> Void
  ) throws -> Pixels {
    try Pixels(format, name) { target in read { body($0, target) } }
  }
}

extension ImageInput {
  /// Writes an image of as many channels, in the size of this input.
  fileprivate func resize(_ image: Pixels, into target: UnsafeMutablePointer<UInt8>) throws {
    let (from, wanted) = ((Double(image.format.width), Double(image.format.height)), (Double(width), Double(height)))
    let (proportion, ours) = (from.0 / from.1, wanted.0 / wanted.1)
    var box = (left: 0.0, top: 0.0, width: from.0, height: from.1)
    var (columns, rows) = (width, height)
    switch resizing {
    case .stretch: break
    case .crop:
      if proportion > ours { box.width = ours * from.1 } else if proportion < ours { box.height = from.0 / ours }
      (box.left, box.top) = ((from.0 - box.width) / 2, (from.1 - box.height) / 2)
    case .fit:
      // Halves to the even neighbor, as Python rounds.
      if proportion > ours {
        rows = max(1, Int((from.1 / from.0 * wanted.0).rounded(.toNearestOrEven)))
      } else if proportion < ours {
        columns = max(1, Int((from.0 / from.1 * wanted.1).rounded(.toNearestOrEven)))
      }
    }
    let left = Int((Double(width - columns) / 2).rounded(.toNearestOrEven))
    let top = Int((Double(height - rows) / 2).rounded(.toNearestOrEven))
    if columns < width || rows < height { target.update(repeating: 0, count: shape.count) }
    let edges = ek_image_box(
      left: Float(box.left), top: Float(box.top), right: Float(box.left + box.width),
      bottom: Float(box.top + box.height))
    let status = image.read {
      ek_image_resize(
        $0, image.format, edges, columns, rows, target + (top * width + left) * channels, width * channels)
    }
    guard status == 0 else { throw EvenkeelError.data("\(image.name): there is no memory to resize it.") }
  }
}
