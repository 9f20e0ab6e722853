import Evenkeel
import EvenkeelReference

/// A CSV file of 300 rows in two classes that a line separates.
package let smallTable: String = {
  var random = RandomNumbers(RandomKey(seed: 4))
  return "a,b,class\n"
    + (0..<300).map { _ in
      let (a, b) = (random.normal(), random.normal())
      return "\(a),\(b),\(a + b > 0 ? "high" : "low")\n"
    }.joined()
}()

/// A `.npz` of 200 sequences of up to 12 positions with 2 channels, and of two classes.
package func sequenceArchive() -> [UInt8] {
  var random = RandomNumbers(RandomKey(seed: 8))
  let values = (0..<200 * 24).map { _ in Float(random.normal()) }
  return npz([
    "X": npy([200, 12, 2], floats: values), "y": npy([200], integers: (0..<200).map { $0 % 2 }),
    "lengths": npy([200], integers: (0..<200).map { 4 + $0 % 9 }),
  ])
}

/// 256 rows of 5 numbers, the last of which is the class, as an NPY file's bytes: what can be read where it lies.
package func alignedTable(_ offset: Float = 0) -> [UInt8] {
  let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (256, 5), }"
  var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(header.utf8)
  bytes += [UInt8](repeating: 32, count: 127 - bytes.count) + [10]
  var numbers = Numbers(7)
  for row in 0..<256 {
    for value in numbers.many(4) + [Float(row % 2)] {
      withUnsafeBytes(of: value == 0 || value == 1 ? value : value + offset) { bytes += $0 }
    }
  }
  return bytes
}
