import CSVScan
import Evenkeel
import Glibc
import Testing

private func parsed(_ text: String) -> Double? {
  var value = 0.0
  let isNumber = Array(text.utf8).withUnsafeBufferPointer { ek_number_parse($0.baseAddress, $0.count, &value) }
  return isNumber != 0 ? value : nil
}

/// A number of digits and a power of ten, or a tie between two doubles, which only exact arithmetic decides.
private func hardNumber(_ index: Int, _ random: inout RandomNumbers) -> String {
  func bits(_ count: Int) -> UInt64 {
    UInt64(random.integer(below: 1 << 31)) << 31 &+ UInt64(random.integer(below: 1 << 31)) >> (62 - count)
  }
  /// Twice the significand of a double, and one more.
  let tie = 2 * (bits(52) % (1 << 52) + 1 << 52) + 1
  switch index % 5 {
  case 0: return "\(Double(bitPattern: bits(62) << 2 | bits(2)))"
  case 1: return "\(bits(62))e\(random.integer(below: 640) - 330)"
  case 2: return "\(tie << UInt64(random.integer(below: 9)))"
  case 3: return "\(tie * 5)e-1"
  default: return "-0.\(String(repeating: "0", count: random.integer(below: 30)))\(bits(62))"
  }
}

@Test func numbersAreRoundedAsStrtodRoundsThem() {
  var random = RandomNumbers(RandomKey(seed: 5))
  var (read, wrong): (Int, [String]) = (0, [])
  for index in 0..<100_000 {
    let text = hardNumber(index, &random)
    let expected = strtod(text, nil)
    // Others are left to a slower reader.
    guard expected.isNormal else { continue }
    read += 1
    if parsed(text)?.bitPattern != expected.bitPattern { wrong.append(text) }
  }
  #expect(read > 90_000 && wrong.isEmpty, "\(wrong.prefix(5))")
}

@Test func aNumberIsDigitsWithAPointAndAnExponent() {
  let numbers: [(String, Double)] = [
    ("0", 0), ("-0", -0.0), ("+7", 7), ("5.", 5), (".5", 0.5), ("1e3", 1000), ("2E-2", 0.02), ("00012.50", 12.5),
    ("0.00000000000000000000012345678901234567", 1.2345678901234567e-22),
    ("1.7976931348623157e308", .greatestFiniteMagnitude),
    ("2.2250738585072014e-308", .leastNormalMagnitude), ("9007199254740993", 9_007_199_254_740_992),
  ]
  for (text, value) in numbers { #expect(parsed(text)?.bitPattern == value.bitPattern, "\(text)") }
  let others = [
    "", ".", "-", "+", "e5", "1e", "1e+", "--1", "1.2.3", "1,5", " 1", "1 ", "0x10", "inf", "nan", "1e400", "1e-320",
    "12345678901234567890",
  ]
  for text in others { #expect(parsed(text) == nil, "\(text)") }
}

/// The cells of the first row that has `columns` of them, as text, and what each is.
private func cells(_ text: String, columns: Int) -> [(String, ek_cell_kind)] {
  let bytes = Array(text.utf8)
  return bytes.withUnsafeBufferPointer { buffer in
    var view = ek_csv(
      bytes: buffer.baseAddress, count: buffer.count, separator: 44, has_quotes: text.contains("\"") ? 1 : 0)
    var (start, found, values) = (
      0, [ek_cell](repeating: ek_cell(), count: columns), [Double](repeating: 0, count: columns)
    )
    ek_csv_cells(&view, &start, 1, 0, columns, &found, &values)
    // Found one by one they are the same.
    for column in 0..<columns {
      var (one, value) = (ek_cell(), 0.0)
      ek_csv_cells(&view, &start, 1, column, 1, &one, &value)
      #expect(one.start == found[column].start && one.length == found[column].length && one.kind == found[column].kind)
      #expect(value == values[column])
    }
    return found.map { cell in
      (
        String(decoding: bytes[cell.start..<cell.start + Int(cell.length)], as: UTF8.self),
        ek_cell_kind(UInt32(cell.kind))
      )
    }
  }
}

@Test func cellsAreFoundWithoutQuotesAndSpaces() {
  let cases: [(text: String, cells: [String])] = [
    ("1,2.5,x\n", ["1", "2.5", "x"]), ("1, 2 ,\r\n3,4,5", ["1", "2", ""]),
    ("\"a,b\",\"c\"\"d\",\"\"\n", ["a,b", "c\"\"d", ""]),
    ("\"1\n2\",3,4", ["1\n2", "3", "4"]), ("5\" pipe,6,7", ["5\" pipe", "6", "7"]), (",,", ["", "", ""]),
    ("0123456789,0123456789012345,-1.5e3\r\n", ["0123456789", "0123456789012345", "-1.5e3"]),
  ]
  for (text, expected) in cases {
    let found = cells(text, columns: expected.count)
    #expect(found.map(\.0) == expected, "\(text)")
    for (cell, kind) in found {
      #expect(kind == (cell.isEmpty ? EK_CELL_EMPTY : parsed(cell) != nil ? EK_CELL_NUMBER : EK_CELL_OTHER), "\(text)")
    }
  }
}

/// More than two of the pieces that are searched at once: rows with and without empty lines between them.
private func largeTable(_ rows: Int, _ change: (Int) -> String? = { _ in nil }) -> [UInt8] {
  var text = "x,y,z\n"
  for row in 0..<rows { text += change(row) ?? "\(row),\(Double(row) / 8),\(row % 3)\n" }
  return Array(text.utf8)
}

@Test(arguments: [false, true])
func largeTablesAreReadInPieces(hasQuotes: Bool) throws {
  let rows = 600_000
  let bytes = largeTable(rows) { row in
    row % 1000 == 7 ? "\r\n\(row), \(Double(row) / 8),\(hasQuotes ? "\"\(row % 3)\"" : "\(row % 3)")\r\n  \n" : nil
  }
  #expect(bytes.count > 9 << 20)
  let data = try Dataset.csv(FileBytes(bytes, name: "large.csv")).training
  #expect(data.count == rows && data.shape == [2])
  for row in 0..<rows where row % 997 < 12 { #expect(data[row] == [Float(row), Float(row) / 8]) }
  guard case .classes(let classes, let labels) = data.targets else {
    Issue.record("expected classes")
    return
  }
  #expect(labels == ["0", "1", "2"] && classes == (0..<rows).map { Int32($0 % 3) })
}

@Test func anErrorFarBehindNamesItsLine() throws {
  let cases: [(String, String)] = [
    ("1,2\n", "large.csv, line 500001: expected 3 cells, got 2."),
    ("1,2,3,4\n", "large.csv, line 500001: expected 3 cells, got 4."),
    ("\"1\"x,2,3\n", "large.csv, line 500001: text follows a closing quote."),
    ("1,\"2,3\n", "large.csv, line 500001: a quoted cell is not closed."),
    ("1,1e999,0\n", "large.csv, line 500001, column y: expected a finite number, got \"1e999\"."),
  ]
  for (line, sentence) in cases {
    // The second line is empty.
    let bytes = largeTable(600_000) {
      $0 == 0 ? "\n0,0,0\n" : $0 == 499_998 ? line : $0 == 550_000 && !line.contains("\"") ? "1,2\n" : nil
    }
    let error = #expect(throws: EvenkeelError.self) { try Dataset.csv(FileBytes(bytes, name: "large.csv")) }
    let isLater = line.contains("1e999")
    #expect(error?.message == (isLater ? "large.csv, line 550003: expected 3 cells, got 2." : sentence))
  }
}
