import Glibc

extension Dataset {
  /// Digits that the program draws itself: 28×28 bytes, classes 0 to 9 in equal numbers.
  ///
  /// Each is the digit's strokes under a random affine map and a smooth random displacement, with a pen of random width and
  /// noise. Image i follows from the seed and i alone, so they are drawn in parallel.
  ///
  /// ```swift
  /// let digits = try Dataset.digits(training: 2_000, test: 500)
  /// ```
  public static func digits(
    training: Int = 10_000, validation: Int = 0, test: Int = 2_000, seed: UInt64 = 0
  ) throws -> DatasetSplits {
    guard training > 0, validation >= 0, test >= 0, training + validation + test < 1 << 31 else {
      throw EvenkeelError.usage("Cannot draw \(training), \(validation) and \(test) digits.")
    }
    let count = training + validation + test
    let side = DrawnDigit.side
    let bytes = try FileBytes(count: count * side * side, name: "digits") { memory in
      nonisolated(unsafe) let start = memory
      let key = RandomKey(seed: seed).branch(RandomStream.digits)
      let blocks = (count + 63) / 64
      try concurrently(blocks) { block in
        for index in block * 64..<min(count, block * 64 + 64) {
          DrawnDigit.draw(index % 10, key: key.branch(index), into: start + index * side * side)
        }
      }
    }
    let whole = Dataset(
      shape: [side, side],
      examples: ExampleStorage(
        owner: bytes, base: bytes.start, element: .uint8, count: count, storedWidth: side * side),
      targets: .classes((0..<count).map { Int32($0 % 10) }, labels: (0..<10).map { String($0) }))
    return DatasetSplits(
      training: whole.subset(0..<training), validation: whole.subset(training..<training + validation),
      test: whole.subset(training + validation..<count))
  }
}

/// The drawing of one digit.
enum DrawnDigit {
  static let side = 28
  typealias Point = SIMD2<Double>

  /// Strokes in the unit square, y downwards; arcs as (centre x, y, radius x, y, from, to in turns, clockwise from the right).
  private static let strokes: [[[Point]]] = [
    [arc(0.5, 0.5, 0.27, 0.4, 0, 1)],
    [[Point(0.36, 0.26), Point(0.52, 0.1), Point(0.52, 0.9)]],
    [arc(0.5, 0.32, 0.25, 0.22, 0.5, 1.08) + [Point(0.25, 0.9), Point(0.77, 0.9)]],
    [arc(0.46, 0.3, 0.25, 0.2, 0.58, 1.25), arc(0.46, 0.7, 0.28, 0.2, 0.75, 1.42)],
    [[Point(0.62, 0.9), Point(0.62, 0.1), Point(0.22, 0.64), Point(0.8, 0.64)]],
    [[Point(0.74, 0.12), Point(0.34, 0.12), Point(0.3, 0.48)] + arc(0.48, 0.66, 0.26, 0.24, 0.66, 1.42)],
    [[Point(0.62, 0.1), Point(0.38, 0.4)] + arc(0.5, 0.67, 0.24, 0.23, 0.5, 1.5)],
    [[Point(0.24, 0.12), Point(0.76, 0.12), Point(0.42, 0.9)]],
    [arc(0.5, 0.3, 0.2, 0.19, 0.25, 1.25), arc(0.5, 0.7, 0.25, 0.21, 0.75, 1.75)],
    [arc(0.5, 0.34, 0.23, 0.23, 0, 1) + [Point(0.72, 0.5), Point(0.6, 0.9)]],
  ]

  private static func arc(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ from: Double, _ to: Double
  ) -> [Point] {
    (0...16).map {
      let angle = 2 * Double.pi * (from + (to - from) * Double($0) / 16)
      return Point(x + width * cos(angle), y + height * sin(angle))
    }
  }

  /// Fills `side` × `side` bytes: 0 for paper, 255 for ink.
  static func draw(_ digit: Int, key: RandomKey, into image: UnsafeMutablePointer<UInt8>) {
    var random = RandomNumbers(key)
    let turn = random.uniform(-0.3, 0.3)
    let shear = random.uniform(-0.3, 0.3)
    let size = Point(random.uniform(0.62, 0.92), random.uniform(0.7, 0.98)) * 20
    let shift = Point(random.uniform(-2.5, 2.5), random.uniform(-2.5, 2.5))
    // A displacement of two low frequencies bends the strokes smoothly.
    let waves = (0..<4).map { _ in
      (
        Point(random.uniform(2, 8), random.uniform(2, 8)), random.uniform(0, 6.3),
        Point(random.normal(), random.normal()) * 0.022
      )
    }
    let pen = random.uniform(0.75, 1.7)
    let ink = random.uniform(190, 255)
    let noise = random.uniform(0, 22)
    let lines = strokes[digit].map { stroke in
      stroke.map { point -> Point in
        var p = point
        for (frequency, phase, amount) in waves {
          p += amount * sin(frequency.x * point.x + frequency.y * point.y + phase)
        }
        p = (p - Point(0.5, 0.5)) * size
        p.x += shear * p.y
        let turned = Point(p.x * cos(turn) - p.y * sin(turn), p.x * sin(turn) + p.y * cos(turn))
        return turned + shift + Point(13.5, 13.5)
      }
    }
    var darkness = [Double](repeating: 0, count: side * side)
    for line in lines {
      for (start, end) in zip(line, line.dropFirst()) {
        let low = Point(min(start.x, end.x), min(start.y, end.y)) - Point(3, 3)
        let high = Point(max(start.x, end.x), max(start.y, end.y)) + Point(3, 3)
        let (left, right) = (max(0, Int(low.x)), min(side - 1, Int(high.x)))
        let (top, bottom) = (max(0, Int(low.y)), min(side - 1, Int(high.y)))
        guard left <= right, top <= bottom else { continue }
        for y in top...bottom {
          for x in left...right {
            let distance = distance(Point(Double(x), Double(y)), start, end)
            // The edge of the stroke is one pixel wide.
            darkness[y * side + x] = max(darkness[y * side + x], min(1, max(0, pen + 0.5 - distance)))
          }
        }
      }
    }
    for pixel in 0..<side * side {
      let value = darkness[pixel] * ink + noise * random.normal() * (darkness[pixel] > 0 ? 1 : 0.5)
      image[pixel] = UInt8(min(255, max(0, value)))
    }
  }

  /// The distance of `point` from the line from `start` to `end`.
  private static func distance(_ point: Point, _ start: Point, _ end: Point) -> Double {
    let along = end - start
    let length = (along * along).sum()
    let part = length > 0 ? min(1, max(0, ((point - start) * along).sum() / length)) : 0
    let apart = point - start - along * part
    return (apart * apart).sum().squareRoot()
  }
}
