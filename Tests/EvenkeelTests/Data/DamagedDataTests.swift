import Evenkeel
import EvenkeelTestSupport
import Testing

@Test func damagedIDXFilesAreErrorsAndNothingElse() {
  let valid: [UInt8] = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 2] + (0..<12).map { UInt8($0) }
  fuzz(valid) { _ = try IDXFile(FileBytes($0, name: "images"), axes: 3) }
}

@Test func damagedGzipFilesAreErrorsAndNothingElse() {
  // gzip of "a,b\n1,2\n", made by gzip -n.
  let valid: [UInt8] = [
    0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b, 0xd4, 0x49, 0xe2, 0x32, 0xd4, 0x31, 0xe2, 2, 0, 0x7b, 0x07, 0x97, 0x0a, 8,
    0, 0, 0,
  ]
  fuzz(valid) { _ = try FileBytes($0, name: "table") }
}

@Test func damagedTablesAreErrorsAndNothingElse() {
  let valid = Array("name,\"a \"\"b\"\"\",y\r\nx,1.5,0\r\nz,NA,1\r\nx,3,0\r\n".utf8)
  fuzz(valid) {
    _ = try Dataset.csv(FileBytes($0, name: "table"))
  }
}
