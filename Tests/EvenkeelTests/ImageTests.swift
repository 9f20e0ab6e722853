import Evenkeel
import Glibc
import Testing

/// The pixels of the fixtures, as Tests/Fixtures/make_images.py computes them.
func fixtureValue(_ y: Int, _ x: Int, _ channel: Int) -> UInt8 { UInt8((37 * y + 11 * x + 61 * channel + 5) % 256) }

func fixtureImage(_ channels: Int, _ pixel: (_ y: Int, _ x: Int, _ channel: Int) -> UInt8) -> [UInt8] {
  (0..<5).flatMap { y in (0..<6).flatMap { x in (0..<channels).map { pixel(y, x, $0) } } }
}

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
    "grayPNG": fixtureImage(1, fixtureValue), "colorPNG": fixtureImage(3, fixtureValue),
    "interlacedPNG": fixtureImage(3, fixtureValue),
    "palettePNG": fixtureImage(3) { y, x, channel in fixtureValue((y + x) % 4, 0, channel) },
    "bitPNG": fixtureImage(1) { y, x, _ in (y + x) % 2 == 0 ? 0 : 255 },
    "sixteenBitPNG": fixtureImage(3) { y, x, channel in
      let first = Int(fixtureValue(y, x, channel))
      let wide = 256 * first + (91 * first + 50 * channel) % 256
      return UInt8((Double(wide) / 257).rounded())
    },
  ]
  for (name, pixels) in expected {
    let (shape, decoded) = try decode(imageFiles[name]!)
    #expect(shape.dimensions == [5, 6, pixels.count / 30] && decoded == pixels, "\(name)")
  }
}

@Test func grayIsRepeatedWhereColorIsWanted() throws {
  for name in ["grayPNG", "grayJPEG"] {
    let gray = try decode(imageFiles[name]!).pixels
    #expect(try decode(imageFiles[name]!, channels: 3).pixels == gray.flatMap { [$0, $0, $0] })
  }
}

/// Mixed as light, of gamma 2.2. libpng's tables round before the mixture and after it, 1/2 each.
@Test func transparentPixelsLieOverWhite() throws {
  let alphas = [0, 255, 128, 64, 255, 1].map { $0 / 255.0 }
  for (name, channels) in [("transparentPNG", 3), ("transparentGrayPNG", 1)] {
    let (shape, decoded) = try decode(imageFiles[name]!)
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
    let (shape, decoded) = try decode(imageFiles[name]!)
    #expect(shape.dimensions == [5, 6, pixels.count / 30] && decoded == pixels, "\(name)")
  }
}

/// The file with one bit of byte `index` changed.
func flipped(_ name: String, _ index: Int) -> [UInt8] {
  var bytes = imageFiles[name]!
  bytes[index] ^= 1
  return bytes
}

private func cut(_ name: String, to count: Int) -> [UInt8] { Array(imageFiles[name]![..<count]) }

/// A JPEG file whose frame header promises 65000 × 65000 pixels.
private let hugeJPEG: [UInt8] = {
  var bytes = imageFiles["colorJPEG"]!
  let frame = bytes.indices.first { bytes[$0] == 0xff && bytes[$0 + 1] == 0xc0 }!
  for index in 5...8 { bytes[frame + index] = index % 2 == 1 ? 0xfd : 0xe8 }
  return bytes
}()

private let damagedImages: [(bytes: [UInt8], sentence: String)] = [
  (Array("a,b\n1,2\n".utf8), "it is not a PNG or JPEG image"),
  ([], "it is not a PNG or JPEG image"),
  (imageFiles["hugePNG"]!, "the header promises 65536 × 65536 pixels; expected 1 to 67108864"),
  (hugeJPEG, "the header promises 65000 × 65000 pixels"),
  (imageFiles["cmykJPEG"]!, "the JPEG file has 4 channels (CMYK); expected 1 (gray) or 3 (color)"),
  (flipped("colorPNG", 60), "the PNG file is damaged (IDAT: "),
  (flipped("colorPNG", imageFiles["colorPNG"]!.count - 13), "the PNG file is damaged (IDAT: CRC error)"),
  (flipped("colorPNG", 17), "the PNG file is damaged (IHDR: CRC error)"),
  (cut("colorPNG", to: 120), "the PNG file is damaged"),
  (cut("colorPNG", to: 20), "the PNG file is damaged"),
  (cut("grayJPEG", to: imageFiles["grayJPEG"]!.count - 4), "the JPEG file is damaged (Premature end of JPEG file)"),
  (cut("progressiveJPEG", to: imageFiles["progressiveJPEG"]!.count - 40), "the JPEG file is damaged"),
  (cut("colorJPEG", to: 4), "the JPEG file is damaged"),
]

@Test func aDamagedImageIsNamed() {
  for (bytes, sentence) in damagedImages {
    let error = #expect(throws: EvenkeelError.self) { try decode(bytes) }
    #expect(error?.code == .data)
    let message = error?.message ?? ""
    #expect(message.hasPrefix("x.png: " + sentence) && message.hasSuffix("."))
  }
}

@Test(arguments: ["colorPNG", "interlacedPNG", "transparentPNG", "colorJPEG", "progressiveJPEG"])
func damagedImagesAreErrorsAndNothingElse(name: String) {
  fuzz(imageFiles[name]!) { _ = try decode($0) }
}

@Test func damagedCIFARBatchesAreErrorsAndNothingElse() {
  fuzz((0..<2 * 3073).map { $0 % 3073 == 0 ? 3 : UInt8($0 % 251) }) { _ = try CIFARBatch(FileBytes($0, name: "batch")) }
}
