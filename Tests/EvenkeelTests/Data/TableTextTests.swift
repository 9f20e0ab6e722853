import Evenkeel
import EvenkeelTestSupport
import Testing

private func read(_ bytes: [UInt8]) throws -> DatasetSplits { try Dataset.csv(FileBytes(bytes, name: "t")) }

private let german = "Stadt,y\nMärz,1.5\nMörz,2.5\nZürich €,3.5\n"

@Test(arguments: [true, false], [true, false])
func aTableInUTF16IsRead(isBigEndian: Bool, hasMark: Bool) throws {
  // Without a mark, evidence: texts of the alphabet have every other byte 0.
  let text = (hasMark ? "\u{feff}" : "") + (hasMark ? german : "a,kind,y\n1,x,1.5\n2,ü,2.5\n3,x,3.5\n")
  let bytes = text.utf16.flatMap { unit in
    isBigEndian ? [UInt8(unit >> 8), UInt8(unit & 0xff)] : [UInt8(unit & 0xff), UInt8(unit >> 8)]
  }
  let splits = try read(bytes)
  #expect(
    splits.training.encoding!.featureNames
      == (hasMark ? ["Stadt=März", "Stadt=Mörz", "Stadt=Zürich €"] : ["a", "kind=x", "kind=ü"]))
  #expect(splits.warnings.isEmpty)
  expectError("its last character is cut off") { _ = try read(Array(bytes.dropLast())) }
}

@Test func aTableInLatin1IsReadAndSaysSo() throws {
  // Windows-1252: ä, ö and ü as in Latin-1, and 0x80 is the euro.
  let bytes = german.unicodeScalars.map { $0 == "€" ? 0x80 : UInt8($0.value) }
  let splits = try read(bytes)
  #expect(splits.training.encoding!.featureNames == ["Stadt=März", "Stadt=Mörz", "Stadt=Zürich €"])
  #expect(splits.warnings == ["t: it is not UTF-8 and is read as Latin-1 (Windows-1252)."])
  var warnings: [String] = []
  let again = try Dataset.csv(
    FileBytes(bytes, name: "t"), encoding: splits.training.encoding!, targets: true, warnings: &warnings)
  #expect(rows(again) == [[1, 0, 0], [0, 1, 0], [0, 0, 1]] && warnings.count == 1)
}

@Test(arguments: [
  [0xc3], [0xe2, 0x82], [0xc0, 0x80], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xff], [0x80],
])
func whatIsNoUTF8IsTakenForLatin1(bytes: [UInt8]) throws {
  #expect(try read(Array("a,y\nx,1.5\n".utf8) + bytes + Array(",2.5\n".utf8)).warnings[0].contains("Latin-1"))
}

@Test func textInUTF8StaysAsItIs() throws {
  let splits = try read(Array("a,y\nä,1.5\n€,2.5\n😀,3.5\n漢,4.5\n".utf8))
  #expect(splits.training.encoding!.featureNames == ["a=ä", "a=€", "a=漢", "a=😀"] && splits.warnings.isEmpty)
}

@Test(arguments: [
  ("PAR1", "it is Parquet, which is not read; make a CSV file of it: duckdb"),
  ("PK\u{3}\u{4}\u{14}\0\u{6}\0\u{8}\0[Content_Types].xml", "it is an Excel workbook (XLSX)"),
  ("ARROW1\0\0", "pandas.read_feather"), ("RDX3\nX", "write.csv in R"),
  ("<!DOCTYPE html><html>", "it is a web page"), ("BZh91AY", "unpack it by bunzip2"),
])
func aFormatOfAnotherProgramIsNamedWithTheWayOut(beginning: String, sentence: String) throws {
  try withTemporaryPath(".data", containing: Array(beginning.utf8) + [UInt8](repeating: 7, count: 100)) { path in
    expectError(sentence) { _ = try Dataset.read(path) }
  }
}

@Test func aHeaderMayBeNumbersAndDataMayBeTexts() throws {
  #expect(try rows(splits(ofTable: "2001,2002\n1,0.5\n3,1.5\n").training) == [[2001], [1], [3]])
  let named = try splits(ofTable: "2001,2002\n1,0.5\n3,1.5\n", options: TableOptions(hasHeader: true))
  #expect(named.training.encoding!.featureNames == ["2001"] && rows(named.training) == [[1], [3]])
  let plain = try splits(ofTable: "x,0.5\nz,1.5\n", options: TableOptions(hasHeader: false))
  #expect(plain.training.encoding!.featureNames == ["column1=x", "column1=z"])
  // A model reads other tables as it was told to read the first.
  #expect(try rows(used("2001,2002\n7,1\n", by: named.training.encoding!).data) == [[7]])
  #expect(try rows(used("z,1\nx,1\n", by: plain.training.encoding!).data) == [[0, 1], [1, 0]])
}
