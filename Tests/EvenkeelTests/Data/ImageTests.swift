import Evenkeel
import EvenkeelTestSupport
import Glibc
import Testing

private func decode(
  _ bytes: [UInt8], channels: Int? = nil, size: [Int]? = nil, _ resizing: ImageInput.Resizing = .fit
) throws -> (shape: Shape, pixels: [UInt8]) {
  let file = try FileBytes(bytes, name: "x.png")
  let shape = try ImageFile.shape(of: file).dimensions
  let input = ImageInput(
    width: size?[0] ?? shape[1], height: size?[1] ?? shape[0], channels: channels ?? shape[2], resizing: resizing)
  let count = input.width * input.height * input.channels
  let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: count)
  defer { memory.deallocate() }
  try ImageFile.decode(file, as: input, into: memory)
  return ([input.height, input.width, input.channels], Array(UnsafeBufferPointer(start: memory, count: count)))
}

@Test func everyKindOfPNGBecomesEightBitsWithFeaturesLast() throws {
  let expected: [String: [UInt8]] = [
    "gray.png": fixtureImage(1, fixtureValue), "color.png": fixtureImage(3, fixtureValue),
    "interlaced.png": fixtureImage(3, fixtureValue),
    "palette.png": fixtureImage(3) { y, x, channel in fixtureValue((y + x) % 4, 0, channel) },
    "bit.png": fixtureImage(1) { y, x, _ in (y + x) % 2 == 0 ? 0 : 255 },
    "sixteen_bit.png": fixtureImage(3, fixtureValue), "sixteen_bit_gray.png": fixtureImage(1, fixtureValue),
    "transparent.png": fixtureImage(3, fixtureValue), "transparent_gray.png": fixtureImage(1, fixtureValue),
  ]
  for (name, pixels) in expected {
    let (shape, decoded) = try decode(imageFile(name))
    #expect(shape.dimensions == [5, 6, pixels.count / 30] && decoded == pixels, "\(name)")
  }
}

@Test func grayIsRepeatedWhereColorIsWanted() throws {
  for name in ["gray.png", "gray.jpg"] {
    for size in [nil, [3, 4]] {
      let gray = try decode(imageFile(name), size: size).pixels
      #expect(try decode(imageFile(name), channels: 3, size: size).pixels == gray.flatMap { [$0, $0, $0] })
    }
  }
}

/// libjpeg's accurate integer transform is the same wherever it runs, and so is libwebp's: Pillow's pixels are met exactly. The files
/// are of every kind: a palette, transparency, CMYK, a gamma, progressive, and turned in the eight ways of EXIF.
@Test func pixelsEqualPillows() throws {
  #expect(pillow.pixels.count == 27)
  for (name, expected) in pillow.pixels {
    let (shape, decoded) = try decode(imageFile(name))
    #expect(shape.dimensions.prefix(2) == [expected.size[1], expected.size[0]], "\(name)")
    #expect(decoded == expected.values, "\(name)")
  }
}

@Test func colorBecomesGrayAsInPillow() throws {
  #expect(try decode(imageFile("photo.png"), channels: 1).pixels == pillow.gray)
}

/// Columns first, then rows. Pillow takes them in the other order where that is less work, which changes roundings.
@Test func resizedImagesArePillowsWithinOneLevel() throws {
  #expect(pillow.resized.count == 15)
  for expected in pillow.resized {
    let form = ImageInput.Resizing(rawValue: expected.form)!
    let (_, decoded) = try decode(imageFile("photo.png"), size: expected.size, form)
    let differences = zip(decoded, expected.values).map { abs(Int($0) - Int($1)) }
    #expect(decoded.count == expected.values.count)
    #expect(differences.max()! <= (expected.size == [23, 5] ? 1 : 0), "\(form), \(expected.size)")
  }
}

/// Turned first, then resized: width and height are those of the upright image.
@Test func aTurnedImageIsResizedUpright() throws {
  let (shape, decoded) = try decode(imageFile("turned.png"), size: [10, 12], .stretch)
  #expect(shape == [12, 10, 3])
  let upright = try ImageFile.shape(of: FileBytes(imageFile("turned.png"), name: "x.png"))
  #expect(upright == [24, 20, 3])
  // A corner of the photo as stored, 4 × 4 pixels, is one corner of the upright image.
  let corner = try decode(imageFile("photo.png"), size: [12, 10], .stretch).pixels
  for channel in 0..<3 { #expect(abs(Int(decoded[9 * 3 + channel]) - Int(corner[channel])) <= 1) }
}

@Test func aSizeIsANumberOrWidthAndHeight() {
  #expect(ImageSize("64") == ImageSize(width: 64, height: 64))
  #expect(ImageSize("64x48") == ImageSize(width: 64, height: 48))
  for text in ["", "0", "x", "64x", "x64", "1x2x3", "-3", "8193", "64.5", "64 x 48"] {
    #expect(ImageSize(text) == nil, "\(text)")
  }
}

private func cut(_ name: String, to count: Int) -> [UInt8] { Array(imageFile(name)[..<count]) }

/// A JPEG file whose frame header promises 65000 × 65000 pixels.
private let hugeJPEG: [UInt8] = {
  var bytes = imageFile("color.jpg")
  let frame = bytes.indices.first { bytes[$0] == 0xff && bytes[$0 + 1] == 0xc0 }!
  for index in 5...8 { bytes[frame + index] = index % 2 == 1 ? 0xfd : 0xe8 }
  return bytes
}()

private let damagedImages: [(bytes: [UInt8], sentence: String)] = [
  (Array("a,b\n1,2\n".utf8), "it is not a PNG, JPEG or WebP image"),
  ([], "it is not a PNG, JPEG or WebP image"),
  (imageFile("huge.png"), "the header promises 65536 × 65536 pixels; expected 1 to 67108864"),
  (hugeJPEG, "the header promises 65000 × 65000 pixels"),
  (imageFile("animation.webp"), "the WebP file is an animation; expected one image"),
  (cut("lossy.webp", to: 200), "the WebP file is damaged"),
  (cut("lossless.webp", to: 20), "the WebP file is damaged"),
  (flipped("color.png", 60), "the PNG file is damaged (IDAT: "),
  (flipped("color.png", imageFile("color.png").count - 13), "the PNG file is damaged (IDAT: CRC error)"),
  (flipped("color.png", 17), "the PNG file is damaged (IHDR: CRC error)"),
  (cut("color.png", to: 120), "the PNG file is damaged"),
  (cut("color.png", to: 20), "the PNG file is damaged"),
  (cut("gray.jpg", to: imageFile("gray.jpg").count - 4), "the JPEG file is damaged (Premature end of JPEG file)"),
  (cut("progressive.jpg", to: imageFile("progressive.jpg").count - 40), "the JPEG file is damaged"),
  (cut("color.jpg", to: 4), "the JPEG file is damaged"),
]

@Test func aDamagedImageIsNamed() {
  for (bytes, sentence) in damagedImages {
    let error = #expect(throws: EvenkeelError.self) { try decode(bytes) }
    #expect(error?.code == .data)
    let message = error?.message ?? ""
    #expect(message.hasPrefix("x.png: " + sentence) && message.hasSuffix("."))
  }
}

@Test(arguments: [
  "color.png", "interlaced.png", "transparent.png", "color.jpg", "progressive.jpg", "cmyk.jpg", "turned_6.jpg",
  "turned.png", "lossy.webp", "lossless.webp",
])
func damagedImagesAreErrorsAndNothingElse(name: String) {
  fuzz(imageFile(name)) { _ = try decode($0) }
}

@Test func damagedCIFARBatchesAreErrorsAndNothingElse() {
  fuzz((0..<2 * 3073).map { $0 % 3073 == 0 ? 3 : UInt8($0 % 251) }) { _ = try CIFARBatch(FileBytes($0, name: "batch")) }
}
