import ImageCodecs

/// One PNG or JPEG file.
package enum ImageFile {
  /// `[height, width, 1]` for gray, `[height, width, 3]` for color.
  /// - Throws: `EvenkeelError` with code `data` for another kind of file, a damaged header or one that promises too much.
  package static func shape(of file: FileBytes) throws -> Shape {
    var format = ek_image_format()
    try call(file) { ek_image_read_format($0, file.count, &format, $1) }
    return [format.height, format.width, format.channels]
  }

  /// Writes `shape.count` bytes, row after row, features last; gray is repeated where `shape` has three channels.
  /// - Throws: `EvenkeelError` with code `data` if the image is damaged or has another size.
  package static func decode(
    _ file: FileBytes, as shape: Shape, into pixels: UnsafeMutablePointer<UInt8>
  ) throws {
    let format = ek_image_format(
      width: shape.dimensions[1], height: shape.dimensions[0], channels: shape.dimensions[2])
    try call(file) { ek_image_decode($0, file.count, format, pixels, $1) }
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
