/// Number `index` of a fixed sequence in [0, 1); Benchmarks/peers/common.py has the same.
package func number(_ index: Int) -> Float {
  var h = UInt32(truncatingIfNeeded: index)
  h = (h ^ (h >> 16)) &* 0x45d_9f3b
  h = (h ^ (h >> 16)) &* 0x45d_9f3b
  h ^= h >> 16
  return Float(h >> 8) * 0x1p-24
}
