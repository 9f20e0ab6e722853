import Evenkeel
import EvenkeelTestSupport
import Testing

/// Records of TensorBoard's own writer, from `events.json`.
private struct Records: Decodable {
  let time: Double
  let scalars, text, histogram: String
  let histogramValues: [Double]

  static let all: Records = Fixture.json("events.json")
}

private func hexadecimal(_ bytes: [UInt8]) -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

@Test func theChecksumIsCastagnolis() {
  // The check value of the catalogue of parametrized CRC algorithms, and of RFC 3720, B.4.
  #expect(CRC32C.of(Array("123456789".utf8)) == 0xe306_9283)
  #expect(CRC32C.of([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
  #expect(CRC32C.of(Array(0..<32)) == 0x46dd_794e)
}

@Test func anEventHasTheBytesThatTensorBoardWrites() {
  let records = Records.all
  var scalars = LoggedEvent(step: 300, time: records.time)
  scalars.add("loss", 0.693_147_180_559_945_3)
  scalars.add("größe", -3e-8)
  #expect(hexadecimal(scalars.record) == records.scalars)
  var text = LoggedEvent(step: 1 << 40, time: records.time)
  text.add("command/text_summary", text: "`evenkeel train digits`")
  #expect(hexadecimal(text.record) == records.text)
  var histogram = LoggedEvent(step: 7, time: records.time)
  histogram.add("0.weight", histogramOf: records.histogramValues.map { Float($0) })
  #expect(hexadecimal(histogram.record) == records.histogram)
}

@Test func aHistogramLeavesOutWhatIsNotFiniteAndCountsIt() {
  var (whole, alone) = (LoggedEvent(step: 1, time: 0), LoggedEvent(step: 1, time: 0))
  whole.add("w", histogramOf: [1, .nan, -2, .infinity])
  alone.add("w/nonfinite", 2)
  alone.add("w", histogramOf: [1, -2])
  #expect(whole.record == alone.record)
  var (nothing, none) = (LoggedEvent(step: 1, time: 0), LoggedEvent(step: 1, time: 0))
  nothing.add("w", histogramOf: [.nan])
  none.add("w/nonfinite", 1)
  #expect(nothing.record == none.record)
}
