extension Dataset {
  /// 16 hexadecimal digits by which a run that goes on knows its data again: shape, targets, weights and lengths of all
  /// examples, and the values of up to 64 of them spread over all, so that a mapped file is not read through.
  var fingerprint: String {
    var hash = Fingerprint()
    for dimension in shape.dimensions { hash.add(dimension) }
    hash.add(count)
    switch targets {
    case .none: break
    case .classes(let indices, let labels):
      for index in indices { hash.add(Int(index)) }
      for label in labels { hash.add(label) }
    case .values(let values, let names):
      for value in values { hash.add(Float(value)) }
      for name in names { hash.add(name) }
    }
    for weight in weights ?? [] { hash.add(weight) }
    for length in lengths ?? [] { hash.add(Int(length)) }
    let sample = min(64, count)
    for index in 0..<sample {
      for value in self[sample == 1 ? 0 : index * (count - 1) / (sample - 1)] { hash.add(value) }
    }
    return hash.text
  }
}

/// A hash of a sequence of values that is the same in every process, unlike Swift's: each is mixed into what was before. It
/// tells data apart that differs by mistake, not by design.
private struct Fingerprint {
  private var state: UInt64 = 0

  mutating func add(_ value: Int) {
    state = RandomKey.mix((state ^ UInt64(bitPattern: Int64(value))) &+ 0x9E37_79B9_7F4A_7C15)
  }

  mutating func add(_ value: Float) { add(Int(value.bitPattern)) }

  mutating func add(_ text: String) {
    for byte in text.utf8 { add(Int(byte)) }
    add(-1)
  }

  var text: String {
    let digits = String(state, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
