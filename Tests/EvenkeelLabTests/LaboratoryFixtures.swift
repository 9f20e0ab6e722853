import Evenkeel
import FoundationEssentials
import Glibc

import EvenkeelLab

/// Hands `body` a path that nothing else uses and removes what lies there afterwards, a journal beside it included.
func withTemporaryPath<Result>(_ suffix: String, _ body: (String) throws -> Result) throws -> Result {
  let path = "/tmp/evenkeel-lab-\(getpid())-\(UInt64.random(in: 0 ... .max))\(suffix)"
  defer { for end in ["", "-wal", "-shm"] { unlink(path + end) } }
  return try body(path)
}

/// Hands `body` a folder of its own and removes it afterwards with all that lies in it.
func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let path = "/tmp/evenkeel-lab-\(getpid())-\(UInt64.random(in: 0 ... .max))"
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}

/// Two classes that a line parts, 300 rows.
let smallTable: String = {
  var random = RandomNumbers(RandomKey(seed: 4))
  return "a,b,class\n"
    + (0..<300).map { _ in
      let (a, b) = (random.normal(), random.normal())
      return "\(a),\(b),\(a + b > 0 ? "high" : "low")\n"
    }.joined()
}()

func smallData() throws -> LaboratoryData {
  try withTemporaryPath(".csv") { path in
    try Model.writeText(smallTable, to: path)
    return try LaboratoryData(path)
  }
}

/// A `.npz` of 200 sequences of up to 12 positions with 2 channels, and of two classes.
func sequenceArchive() -> [UInt8] {
  var random = RandomNumbers(RandomKey(seed: 8))
  let values = (0..<200 * 24).map { _ in Float(random.normal()) }
  return archive([
    ("X", array("<f4", [200, 12, 2], values.flatMap { littleEndian($0.bitPattern) })),
    ("y", array("<i8", [200], (0..<200).flatMap { littleEndian(Int64($0 % 2)) })),
    ("lengths", array("<i8", [200], (0..<200).flatMap { littleEndian(Int64(4 + $0 % 9)) })),
  ])
}

func writeBytes(_ bytes: [UInt8], to path: String) {
  let file = fopen(path, "wb")!
  fwrite(bytes, 1, bytes.count, file)
  fclose(file)
}

private func littleEndian(_ number: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: number.littleEndian, Array.init)
}

/// The bytes of an NPY file.
private func array(_ type: String, _ shape: [Int], _ items: [UInt8]) -> [UInt8] {
  let lengths = shape.map { "\($0)," }.joined()
  let header = Array("{'descr': '\(type)', 'fortran_order': False, 'shape': (\(lengths))}\n".utf8)
  return [0x93] + Array("NUMPY".utf8) + [1, 0] + littleEndian(UInt16(header.count)) + header + items
}

/// A zip archive whose members are stored as they are.
private func archive(_ members: [(name: String, content: [UInt8])]) -> [UInt8] {
  var (local, directory): ([UInt8], [UInt8]) = ([], [])
  for (name, content) in members {
    var crc = UInt32.max
    for byte in content {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1) * 0xedb8_8320 }
    }
    let file = Array("\(name).npy".utf8)
    let size = littleEndian(UInt32(content.count))
    let common: [UInt8] =
      [20, 0, 0, 0, 0, 0, 0, 0, 0, 0] + littleEndian(~crc) + size + size + littleEndian(UInt16(file.count)) + [0, 0]
    directory += [0x50, 0x4b, 1, 2, 20, 0] + common
    directory += Array(repeating: 0, count: 10) + littleEndian(UInt32(local.count)) + file
    local += [0x50, 0x4b, 3, 4] + common + file + content
  }
  let count = littleEndian(UInt16(members.count))
  return local + directory + [0x50, 0x4b, 5, 6, 0, 0, 0, 0] + count + count + littleEndian(UInt32(directory.count))
    + littleEndian(UInt32(local.count)) + [0, 0]
}

func smallTrial(_ data: LaboratoryData, rate: Double = 0.1, seed: UInt64 = 1, steps: Int = 20) -> Trial {
  Trial(
    network: Network(input: [2]) {
      Dense(8)
      BatchNorm()
      ReLU()
      Dense(2)
    }, data: data.description.fingerprint, learningRate: rate, batchSize: 20, steps: steps, evaluations: 4, seed: seed)
}
