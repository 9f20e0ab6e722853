extension Dataset {
  /// 16 hexadecimal digits that tell data apart: shape, targets, weights and lengths of all examples, and the values of up to 64
  /// of them spread over all, so that a mapped file is not read through.
  package var fingerprint: String {
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
