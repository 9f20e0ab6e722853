import Evenkeel
import EvenkeelReference
import FoundationEssentials
import Testing

private func scaling(_ text: String) throws -> InputScaling {
  try JSONDecoder().decode(InputScaling.self, from: Data(text.utf8))
}

@Test func aScalingFromBeforeCurvesStandardizes() throws {
  let read = try scaling(#"{"mean":[1,2],"deviation":[2,0]}"#)
  let data = try Dataset([3, 5, -1, 7], shape: [2], targets: .none)
  let values = AlignedFloats(count: 4)
  try data.gather(0, 2, into: values.start, scaling: read, threads: 1)
  #expect(Array(values.buffer) == [1, 0, -1, 0])
}

@Test func damagedCurvesAreErrors() throws {
  func with(_ features: String, _ curve: String) -> String {
    #"{"mean":[0,0],"deviation":[1,1],"curves":{"features":\#(features),"curves":[\#(curve)]}}"#
  }
  let quantile = #"{"quantile":{"_0":[-1,0,0,2]}}"#
  _ = try scaling(with("[1]", quantile))
  _ = try scaling(with("[0]", #"{"robust":{"center":0,"scale":2}}"#))
  for (features, curve) in [
    ("[2]", quantile), ("[-1]", quantile), ("[0,1]", quantile), ("[0]", #"{"quantile":{"_0":[1]}}"#),
    ("[0]", #"{"quantile":{"_0":[1,0]}}"#),
  ] {
    #expect(throws: EvenkeelError.self, "\(features) \(curve)") { _ = try scaling(with(features, curve)) }
  }
}

@Test func whatSaysYesOrNoIsNotBent() throws {
  // The first column has two values, the second none, the third is a number.
  let rows: [Float] = (0..<60).flatMap { (row: Int) -> [Float] in [Float(row % 2), 4, Float(row * row)] }
  let data = try Dataset(rows, shape: [3], targets: .none)
  let values = AlignedFloats(count: rows.count)
  for transform in [NumericTransform.quantile, .robust] {
    let (plain, bent) = (try InputScaling(fittedTo: data), try InputScaling(fittedTo: data, numbers: transform))
    try data.gather(0, 60, into: values.start, scaling: bent, threads: 1)
    let standard = plain.scaled(rows)
    for row in 0..<60 {
      #expect((0..<2).allSatisfy { values.start[3 * row + $0] == standard[3 * row + $0] })
    }
    let numbers = (0..<60).map { values.start[3 * $0 + 2] }
    #expect(numbers == numbers.sorted() && numbers.allSatisfy { abs($0) < 5.3 })
  }
  // The share of rows below the middle one of an odd number is a half, whatever lies around it.
  let odd = try Dataset([-1000, 0, 1, 2, 3000], shape: [1], targets: .none)
  try odd.gather(0, 5, into: values.start, scaling: InputScaling(fittedTo: odd, numbers: .quantile), threads: 1)
  #expect(abs(values.start[2]) < 1e-6 && values.start[4] == -values.start[0] && values.start[4] > 5)
}
