import Glibc

/// A place in the tree of random streams: the seed, then what the numbers are for (a layer, an epoch, a step).
///
/// Keys carry no state: the same path gives the same numbers, in any order and on any thread, so a resumed run needs only
/// to know where it is.
public struct RandomKey: Hashable, Sendable {
  /// 64 well-mixed bits.
  public let value: UInt64

  /// The root of the tree of `seed`.
  public init(seed: UInt64) { value = Self.mix(seed &+ 0x9E37_79B9_7F4A_7C15) }
  private init(value: UInt64) { self.value = value }

  /// The key of branch `index` below this one.
  public func branch(_ index: Int) -> RandomKey {
    RandomKey(value: Self.mix(value ^ Self.mix(UInt64(bitPattern: Int64(index)) &+ 0xD1B5_4A32_D192_ED03)))
  }

  /// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): a bijection with full avalanche.
  static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// SplitMix64, started at a key.
public struct RandomNumbers: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// The stream of `key`, from its beginning.
  public init(_ key: RandomKey) { state = key.value }

  /// 64 random bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return RandomKey.mix(state)
  }

  /// A number from [0, 1) with 53 random bits.
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A number from [low, high).
  public mutating func uniform(_ low: Double, _ high: Double) -> Double { low + (high - low) * uniform() }

  /// An integer from 0 ..< bound.
  public mutating func integer(below bound: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(bound)).high) }

  /// Permutes `values` uniformly (Fisher and Yates), identically on every platform.
  public mutating func shuffle<Element>(_ values: inout [Element]) {
    values.withUnsafeMutableBufferPointer { buffer in
      var last = buffer.count - 1
      while last > 0 {
        buffer.swapAt(last, integer(below: last + 1))
        last -= 1
      }
    }
  }
}

extension RandomNumbers {
  /// A number from the normal distribution with mean 0 and deviation 1 (Box and Muller 1958).
  public mutating func normal() -> Double {
    let radius = (-2 * log(1 - uniform())).squareRoot()
    return radius * cos(2 * Double.pi * uniform())
  }
}

/// The branches of the seed's tree of random streams.
enum RandomStream {
  static let initialization = 0
  static let shuffle = 1
  static let dropout = 2
  static let split = 3
  static let digits = 4
  static let augmentation = 5
  static let permutation = 6
}
