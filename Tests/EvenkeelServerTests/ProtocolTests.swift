import Evenkeel
import EvenkeelServer
import EvenkeelTestSupport
import Testing

private func read(_ data: String, _ datatype: String = "FP64", shape: [Int]) throws -> InferTensor.Content {
  let json = "{\"inputs\":[{\"data\":\(data),\"name\":\"a\",\"shape\":\(shape),\"datatype\":\"\(datatype)\"}]}"
  return try InferRequest(Array(json.utf8), jsonCount: nil).inputs[0].content
}

private func numbers(_ data: String, count: Int) throws -> [Double] {
  guard case .numbers(let numbers) = try read(data, shape: [count]) else { return [] }
  return numbers
}

private func failure(_ body: () throws -> Void) -> ServerFailure? {
  do { try body() } catch { return error as? ServerFailure }
  return nil
}

@Test func numbersAreThoseOfTheStandardLibraryToTheLastBit() throws {
  var random = RandomNumbers(RandomKey(seed: 9))
  var texts = [
    "0", "-0", "-0.0", "1e22", "1E+2", "9007199254740993", "0.1", "123456789012345678901234567890", "1e-320",
    "4.9e-324", "1.7976931348623157e308", "2.2250738585072011e-308", "8.5e-5", "100000000000000000000000.5",
  ]
  for _ in 0..<3000 {
    let bits = (0..<8).reduce(UInt64(0)) { sum, _ in sum << 8 | UInt64(random.integer(below: 256)) }
    let value = Double(bitPattern: bits)
    if value.isFinite { texts.append("\(value)") }
    texts.append("\(random.integer(below: 1_000_000)).\(random.integer(below: 1_000_000_000))")
  }
  let found = try numbers("[" + texts.joined(separator: " ,\n") + "]", count: texts.count)
  #expect(found.map(\.bitPattern) == texts.map { Double($0)!.bitPattern })
}

@Test func nestedAndFlatDataAreTheSame() throws {
  #expect(try numbers("[[1,2],[3,[4]]]", count: 4) == [1, 2, 3, 4])
  #expect(try numbers(" [ true , false,3 ] ", count: 3) == [1, 0, 3])
  #expect(try numbers("[1,null,3]", count: 3)[1].isNaN)
  guard case .texts(let texts) = try read("[null,\"a\",[\"\\u00c4\\ud83d\\ude00\\n\\/\"]]", "BYTES", shape: [3]) else {
    Issue.record("texts are texts")
    return
  }
  #expect(texts == ["", "a", "Ä😀\n/"])
}

@Test(arguments: [
  "[01]", "[+1]", "[.5]", "[1.]", "[1.e3]", "[-]", "[1e]", "[1e+]", "[0x1]", "[1,]", "[,1]", "[1 2]", "[1", "1",
  "[NaN]",
  "[Infinity]", "[1e999]", "[--1]", "[1,\"a\"]", "[\"\u{1}\"]", "[\"\\x\"]", "[\"\\ud800\"]", "[\"", "[tru]", "{}", "",
  "[00000000000000000000000000001]", "[-000000000000000000000000.5]", "[1234567890123456789012345.]",
  "[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]",
])
func whatIsNoJSONIsRefused(_ data: String) {
  #expect(failure { _ = try read(data, shape: [1]) }?.status == 400)
}

@Test func everyDatatypeIsRead() throws {
  func tensor(_ datatype: String, _ bytes: [UInt8], count: Int = 2) throws -> [Double] {
    let json =
      "{\"inputs\":[{\"name\":\"a\",\"shape\":[\(count)],\"datatype\":\"\(datatype)\",\"parameters\":{\"binary_data_size\":\(bytes.count)}}]}"
    let request = try InferRequest(Array(json.utf8) + bytes, jsonCount: json.utf8.count)
    guard case .numbers(let numbers) = request.inputs[0].content else { return [] }
    return numbers
  }
  #expect(try tensor("BOOL", [0, 2]) == [0, 1])
  #expect(try tensor("UINT8", [0, 255]) == [0, 255])
  #expect(try tensor("INT8", [0x80, 127]) == [-128, 127])
  #expect(try tensor("UINT16", littleEndian(UInt16(65535)) + littleEndian(UInt16(1))) == [65535, 1])
  #expect(try tensor("INT16", littleEndian(Int16(-2)) + littleEndian(Int16(300))) == [-2, 300])
  #expect(try tensor("UINT32", littleEndian(UInt32.max) + littleEndian(UInt32(7))) == [4_294_967_295, 7])
  #expect(try tensor("INT32", littleEndian(Int32.min) + littleEndian(Int32(7))) == [-2_147_483_648, 7])
  #expect(try tensor("UINT64", littleEndian(UInt64(1) << 53) + littleEndian(UInt64(7))) == [0x1p53, 7])
  #expect(try tensor("INT64", littleEndian(Int64(-5)) + littleEndian(Int64(7))) == [-5, 7])
  #expect(
    try tensor("FP32", littleEndian(Float(0.1).bitPattern) + littleEndian(Float(-2).bitPattern)) == [
      Double(Float(0.1)), -2,
    ])
  #expect(try tensor("FP64", littleEndian(0.1.bitPattern) + littleEndian((-2.0).bitPattern)) == [0.1, -2])
  #expect(try tensor("BF16", littleEndian(UInt16(0x3fc0)) + littleEndian(UInt16(0xc000))) == [1.5, -2])
  // 1.5, -2, the least and the greatest number of 16 bits.
  let halves: [UInt16] = [0x3e00, 0xc000, 0x0001, 0x7bff]
  #expect(try tensor("FP16", halves.flatMap { littleEndian($0) }, count: 4) == [1.5, -2, 0x1p-24, 65504])
  #expect(try tensor("FP16", littleEndian(UInt16(0x7c00)) + littleEndian(UInt16(0x7e00)))[1].isNaN)
  #expect(failure { _ = try tensor("FP32", [1, 2, 3]) }?.message.contains("2 elements of 4 bytes") == true)
  #expect(failure { _ = try tensor("FP32", [UInt8](repeating: 0, count: 12)) }?.status == 400)
}

@Test(arguments: [
  ("{\"inputs\":[]}", "no \"inputs\""), ("{}", "no \"inputs\""), ("[]", "expected an object"), ("", "body is empty"),
  (
    "{\"inputs\":[{\"name\":\"a\",\"shape\":[2],\"datatype\":\"FP32\",\"data\":[1]}]}",
    "has 1 elements; its shape [2] asks for 2"
  ),
  (
    "{\"inputs\":[{\"name\":\"a\",\"shape\":[9223372036854775807,9],\"datatype\":\"FP32\",\"data\":[1]}]}",
    "no whole number"
  ),
  ("{\"inputs\":[{\"name\":\"a\",\"shape\":[4294967296,4294967296],\"datatype\":\"FP32\",\"data\":[1]}]}", "the shape"),
  ("{\"inputs\":[{\"name\":\"a\",\"shape\":[-1],\"datatype\":\"FP32\",\"data\":[1]}]}", "0 or more"),
  ("{\"inputs\":[{\"name\":\"a\",\"shape\":[1],\"datatype\":\"FP31\",\"data\":[1]}]}", "\"datatype\" is unknown"),
  ("{\"inputs\":[{\"shape\":[1],\"datatype\":\"FP32\",\"data\":[1]}]}", "no \"name\""),
  ("{\"inputs\":[{\"name\":\"a\",\"shape\":[1],\"datatype\":\"FP32\"}]}", "no \"data\""),
  (
    "{\"inputs\":[{\"name\":\"a\",\"shape\":[1],\"datatype\":\"FP32\",\"parameters\":{\"binary_data_size\":4}}]}",
    "0 bytes are left"
  ),
  (
    "{\"inputs\":[{\"name\":\"a\",\"shape\":[1],\"datatype\":\"BYTES\",\"data\":[1]}]}", "holds numbers; expected texts"
  ),
  (
    "{\"inputs\":[{\"name\":\"a\",\"shape\":[1],\"datatype\":\"FP32\",\"data\":[\"1\"]}]}",
    "holds texts; expected numbers"
  ),
  ("{\"id\":7,\"inputs\":[{\"name\":\"a\",\"shape\":[1],\"datatype\":\"FP32\",\"data\":[1]}]}", "\"id\" is no text"),
  (
    "{\"parameters\":{\"timeout\":-1},\"inputs\":[{\"name\":\"a\",\"shape\":[1],\"datatype\":\"FP32\",\"data\":[1]}]}",
    "\"timeout\" is no"
  ),
  ("{\"inputs\":[{\"name\":\"a\",\"shape\":[1],\"datatype\":\"FP32\",\"data\":[1]}]} x", "expected the end"),
])
func aWrongRequestIsAnsweredByASentence(_ json: String, _ sentence: String) {
  let failure = failure { _ = try InferRequest(Array(json.utf8), jsonCount: nil) }
  #expect(failure?.status == 400 && failure?.message.contains(sentence) == true, "\(String(describing: failure))")
}

@Test func theLengthOfTheHeaderIsHeldAgainstTheBody() {
  let body = Array(request(fourRows).utf8)
  for count in [-1, body.count + 1, 0, 5] {
    #expect(failure { _ = try InferRequest(body, jsonCount: count) }?.status == 400)
  }
}

@Test func textsInBinaryHaveLengths() throws {
  func texts(_ bytes: [UInt8], count: Int) throws -> [[UInt8]] {
    let json =
      "{\"inputs\":[{\"name\":\"a\",\"shape\":[\(count)],\"datatype\":\"BYTES\",\"parameters\":{\"binary_data_size\":\(bytes.count)}}]}"
    let request = try InferRequest(Array(json.utf8) + bytes, jsonCount: json.utf8.count)
    guard case .files(let files) = request.inputs[0].content else { return [] }
    return files
  }
  #expect(try texts([2, 0, 0, 0, 65, 66, 0, 0, 0, 0], count: 2) == [[65, 66], []])
  for bytes: [UInt8] in [[3, 0, 0, 0, 65, 66], [255, 255, 255, 255, 65], [1, 0]] {
    #expect(failure { _ = try texts(bytes, count: 1) }?.message.contains("exceeds what is left") == true)
  }
}

@Test(arguments: [BodyCoding.gzip, .deflate])
func bodiesAreDeflatedAndInflatedWithinALimit(_ coding: BodyCoding) throws {
  let text = Array(String(repeating: "batch norm ", count: 5000).utf8)
  let small = try #require(coding.deflated(text))
  #expect(small.count < text.count / 20)
  #expect(try coding.inflated(small, limit: text.count) == text)
  #expect(failure { _ = try coding.inflated(small, limit: text.count - 1) }?.status == 413)
  #expect(failure { _ = try coding.inflated(Array(small.dropLast(9)), limit: 1 << 20) }?.status == 400)
  #expect(failure { _ = try coding.inflated(text, limit: 1 << 20) }?.status == 400)
}

@Test func mutatedRequestsAreReadOrRefused() {
  let binary = binaryRequest(fourRows, more: ",\"id\":\"\\u00e4\",\"parameters\":{\"binary_data_output\":true}")
  for (body, count) in [
    (
      Array(request(fourRows, more: ",\"outputs\":[{\"name\":\"label\",\"parameters\":{\"classification\":2}}]").utf8),
      nil
    ),
    (binary.body, Int(binary.headers["inference-header-content-length"]!)),
  ] {
    fuzz(body) { bytes in
      do { _ = try InferRequest(bytes, jsonCount: count) } catch let failure as ServerFailure {
        #expect((400..<500).contains(failure.status) && !failure.message.isEmpty)
      }
    }
  }
}
