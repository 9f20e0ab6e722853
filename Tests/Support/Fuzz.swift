import Evenkeel
import Testing

/// Seeded mutations of `valid`, each handed to `read`, which may throw `EvenkeelError` and nothing else.
package func fuzz(_ valid: [UInt8], mutations: Int = 10_000, _ read: ([UInt8]) throws -> Void) {
  var random = RandomNumbers(RandomKey(seed: 1))
  for _ in 0..<mutations {
    var bytes = valid
    for _ in 0...random.integer(below: 4) where !bytes.isEmpty {
      switch random.integer(below: 4) {
      case 0: bytes[random.integer(below: bytes.count)] = UInt8(random.integer(below: 256))
      case 1: bytes.removeLast(random.integer(below: bytes.count))
      case 2: bytes[random.integer(below: min(16, bytes.count))] = UInt8(random.integer(below: 256))
      default:
        let from = random.integer(below: bytes.count)
        bytes.insert(contentsOf: bytes[from..<min(bytes.count, from + 9)], at: random.integer(below: bytes.count))
      }
    }
    do { try read(bytes) } catch { #expect(error is EvenkeelError) }
  }
}
