import EvenkeelTestSupport

/// An image file of Tests/Fixtures.
func imageFile(_ name: String) -> [UInt8] { Fixture.bytes("images/" + name) }

/// What Pillow makes of the files: upright, in gray or color, and in other sizes.
struct PillowPixels: Decodable {
  struct Image: Decodable {
    /// Width and height.
    let size: [Int]
    /// Rows of pixels, channels last.
    let values: [UInt8]
  }

  struct Resized: Decodable {
    let form: String
    let size: [Int]
    let values: [UInt8]
  }

  let pixels: [String: Image]
  /// photo.png in gray.
  let gray: [UInt8]
  /// photo.png in other sizes.
  let resized: [Resized]
}

let pillow = Fixture.json("image_pixels.json", as: PillowPixels.self)

/// The pixels of the fixtures, as Tests/Fixtures/make_images.py computes them.
func fixtureValue(_ y: Int, _ x: Int, _ channel: Int) -> UInt8 { UInt8((37 * y + 11 * x + 61 * channel + 5) % 256) }

func fixtureImage(_ channels: Int, _ pixel: (_ y: Int, _ x: Int, _ channel: Int) -> UInt8) -> [UInt8] {
  (0..<5).flatMap { y in (0..<6).flatMap { x in (0..<channels).map { pixel(y, x, $0) } } }
}

/// The file with one bit of byte `index` changed.
func flipped(_ name: String, _ index: Int) -> [UInt8] {
  var bytes = imageFile(name)
  bytes[index] ^= 1
  return bytes
}
