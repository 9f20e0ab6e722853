import Evenkeel
import EvenkeelTestSupport
import Glibc
import Testing

private func decode(_ bytes: [UInt8], channels: Int? = nil) throws -> (shape: Shape, pixels: [UInt8]) {
  let file = try FileBytes(bytes, name: "x.png")
  var shape = try ImageFile.shape(of: file)
  if let channels { shape.dimensions[2] = channels }
  let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: shape.count)
  defer { memory.deallocate() }
  try ImageFile.decode(file, as: shape, into: memory)
  return (shape, Array(UnsafeBufferPointer(start: memory, count: shape.count)))
}

@Test func everyKindOfPNGBecomesEightBitsWithFeaturesLast() throws {
  let expected: [String: [UInt8]] = [
    "gray.png": fixtureImage(1, fixtureValue), "color.png": fixtureImage(3, fixtureValue),
    "interlaced.png": fixtureImage(3, fixtureValue),
    "palette.png": fixtureImage(3) { y, x, channel in fixtureValue((y + x) % 4, 0, channel) },
    "bit.png": fixtureImage(1) { y, x, _ in (y + x) % 2 == 0 ? 0 : 255 },
    "sixteen_bit.png": fixtureImage(3) { y, x, channel in
      let first = Int(fixtureValue(y, x, channel))
      let wide = 256 * first + (91 * first + 50 * channel) % 256
      return UInt8((Double(wide) / 257).rounded())
    },
  ]
  for (name, pixels) in expected {
    let (shape, decoded) = try decode(imageFile(name))
    #expect(shape.dimensions == [5, 6, pixels.count / 30] && decoded == pixels, "\(name)")
  }
}

@Test func grayIsRepeatedWhereColorIsWanted() throws {
  for name in ["gray.png", "gray.jpg"] {
    let gray = try decode(imageFile(name)).pixels
    #expect(try decode(imageFile(name), channels: 3).pixels == gray.flatMap { [$0, $0, $0] })
  }
}

/// Mixed as light, of gamma 2.2. libpng's tables round before the mixture and after it, 1/2 each.
@Test func transparentPixelsLieOverWhite() throws {
  let alphas = [0, 255, 128, 64, 255, 1].map { $0 / 255.0 }
  for (name, channels) in [("transparent.png", 3), ("transparent_gray.png", 1)] {
    let (shape, decoded) = try decode(imageFile(name))
    #expect(shape == [5, 6, channels])
    for (index, pixel) in fixtureImage(channels, fixtureValue).enumerated() {
      let alpha = alphas[index / channels % 6]
      let light = alpha * pow(Double(pixel) / 255, 2.2) + 1 - alpha
      #expect(abs(Double(decoded[index]) - 255 * pow(light, 1 / 2.2)) <= 1, "\(name), value \(index)")
    }
  }
}

/// libjpeg's accurate integer transform is the same wherever it runs, so Pillow's pixels are met exactly.
@Test func jpegPixelsEqualPillows() throws {
  for (name, pixels) in jpegPixels {
    let (shape, decoded) = try decode(imageFile(name))
    #expect(shape.dimensions == [5, 6, pixels.count / 30] && decoded == pixels, "\(name)")
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
  (Array("a,b\n1,2\n".utf8), "it is not a PNG or JPEG image"),
  ([], "it is not a PNG or JPEG image"),
  (imageFile("huge.png"), "the header promises 65536 × 65536 pixels; expected 1 to 67108864"),
  (hugeJPEG, "the header promises 65000 × 65000 pixels"),
  (imageFile("cmyk.jpg"), "the JPEG file has 4 channels (CMYK); expected 1 (gray) or 3 (color)"),
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

@Test(arguments: ["color.png", "interlaced.png", "transparent.png", "color.jpg", "progressive.jpg"])
func damagedImagesAreErrorsAndNothingElse(name: String) {
  fuzz(imageFile(name)) { _ = try decode($0) }
}

@Test func damagedCIFARBatchesAreErrorsAndNothingElse() {
  fuzz((0..<2 * 3073).map { $0 % 3073 == 0 ? 3 : UInt8($0 % 251) }) { _ = try CIFARBatch(FileBytes($0, name: "batch")) }
}
