/// A hash of a sequence of values that is the same in every process, unlike Swift's: each is mixed into those before.
/// It detects accidental differences, not deliberate ones.
package struct Fingerprint {
  private var state: UInt64 = 0

  /// The hash of no values.
  package init() {}

  package mutating func add(_ value: Int) {
    state = RandomKey.mix((state ^ UInt64(bitPattern: Int64(value))) &+ 0x9E37_79B9_7F4A_7C15)
  }

  package mutating func add(_ value: Float) { add(Int(value.bitPattern)) }

  package mutating func add(_ text: String) {
    for byte in text.utf8 { add(Int(byte)) }
    add(-1)
  }

  /// 16 hexadecimal digits.
  package var text: String {
    let digits = String(state, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
