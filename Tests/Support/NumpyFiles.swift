import Evenkeel
import Glibc
import Testing

/// An NPY or NPZ file in memory.
package func numpy(_ bytes: [UInt8], name: String = "a.npy") throws -> NumpyFile {
  try #require(try NumpyFile(FileBytes(bytes, name: name)))
}

extension NumpyFile {
  /// All examples, with a model that was trained on inputs apart from targets.
  package func inputs() throws -> Dataset { try examples(encoding: nil, targets: false) }

  package func parts(target: String? = nil, validation: Double = 0, test: Double = 0) throws -> DatasetSplits {
    try splits(target: target, validation: validation, test: test, seed: 0)
  }
}

extension Dataset {
  package var allRows: [[Float]] { (0..<count).map { self[$0] } }

  /// The class of every example by name; nil for other targets.
  package var classNames: [String]? {
    guard case .classes(let indices, let labels) = targets else { return nil }
    return indices.map { labels[Int($0)] }
  }

  package var targetValues: [Double]? { if case .values(let values, _) = targets { values } else { nil } }
}

package func littleEndian(_ number: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: number.littleEndian, Array.init)
}

/// An NPY file with this dictionary for a header.
package func npy(_ dictionary: String, _ items: [UInt8] = [], version: UInt8 = 1) -> [UInt8] {
  let text = Array(dictionary.utf8) + [10]
  let length = version == 1 ? littleEndian(UInt16(text.count)) : littleEndian(UInt32(text.count))
  let signature: [UInt8] = [0x93] + Array("NUMPY".utf8)
  return [signature, [version, 0], length, text, items].flatMap(\.self)
}

package func npy(_ shape: [Int], floats: [Float]) -> [UInt8] {
  npy(
    "{'descr': '<f4', 'fortran_order': False, 'shape': (\(shape.map { "\($0)," }.joined()))}",
    floats.flatMap { littleEndian($0.bitPattern) })
}

package func npy(_ shape: [Int], integers: [Int]) -> [UInt8] {
  npy(
    "{'descr': '<i8', 'fortran_order': False, 'shape': (\(shape.map { "\($0)," }.joined()))}",
    integers.flatMap { littleEndian($0) })
}

/// A zip archive of stored members, or of deflated ones that are promised to have `count` bytes.
package func npz(_ members: KeyValuePairs<String, [UInt8]>, promising count: Int? = nil) -> [UInt8] {
  var (local, directory): ([UInt8], [UInt8]) = ([], [])
  for (name, content) in members {
    var crc = UInt32.max
    for byte in content {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1) * 0xedb8_8320 }
    }
    // One block of deflate that is not packed: its length, the length's complement, the bytes.
    let length = UInt16(content.count)
    let packed = count == nil ? content : [1] + littleEndian(length) + littleEndian(~length) + content
    let file = Array(name.utf8) + Array(".npy".utf8)
    let sizes = littleEndian(~crc) + littleEndian(UInt32(packed.count)) + littleEndian(UInt32(count ?? content.count))
    let common =
      [20, 0, 0, 0, count == nil ? 0 : 8, 0, 0, 0, 0, 0] + sizes + littleEndian(UInt16(file.count)) + [0, 0]
    directory +=
      [0x50, 0x4b, 1, 2, 20, 0] + common + [UInt8](repeating: 0, count: 10) + littleEndian(UInt32(local.count))
    directory += file
    local += [0x50, 0x4b, 3, 4] + common + file + packed
  }
  let entries = littleEndian(UInt16(members.count))
  let sizes = littleEndian(UInt32(directory.count)) + littleEndian(UInt32(local.count))
  return [local, directory, [0x50, 0x4b, 5, 6, 0, 0, 0, 0], entries, entries, sizes, [0, 0]].flatMap(\.self)
}
