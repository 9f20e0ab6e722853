import Evenkeel
import EvenkeelTestSupport
import Testing

private func classes(_ dataset: Dataset) -> [String] {
  guard case .classes(let indices, let labels) = dataset.targets else { return [] }
  return indices.map { labels[Int($0)] }
}

private func counts(_ dataset: Dataset) -> [String: Int] {
  classes(dataset).reduce(into: [:]) { $0[$1, default: 0] += 1 }
}

/// Classes with 60, 30, 9 rows and one, in turns where there are so many.
private let table: String = {
  var text = "x,z,y\n"
  func add(_ name: String) { text += "\(text.count % 13),\(text.count % 7),\(name)\n" }
  for row in 0..<60 {
    add("a")
    if row < 30 { add("b") }
    if row < 9 { add("c") }
    if row == 30 { add("d") }
  }
  return text
}()

@Test func everyClassIsInEachPartByItsShare() throws {
  try withTemporaryPath(".csv", containing: table) { path in
    func read(seed: UInt64) throws -> DatasetSplits {
      try Dataset.csv(at: path, validation: 0.25, test: 0.2, seed: seed)
    }
    let splits = try read(seed: 3)
    // Shares of 100 rows: 12, 6, 1.8 and 0.2 of 20; then of 48, 24, 7 and 1 rows 12, 6, 1.75 and 0.25 of 20.
    #expect(counts(splits.test) == ["a": 12, "b": 6, "c": 2])
    #expect(counts(splits.validation) == ["a": 12, "b": 6, "c": 2])
    #expect(counts(splits.training) == ["a": 36, "b": 18, "c": 5, "d": 1])
    func rows(_ dataset: Dataset) -> [[Float]] { (0..<dataset.count).map { dataset[$0] } }
    let (again, other) = (try read(seed: 3), try read(seed: 4))
    #expect(rows(again.test) == rows(splits.test) && rows(again.validation) == rows(splits.validation))
    #expect(rows(other.test) != rows(splits.test))
  }
}

@Test func aClassOfTwoRowsIsTestedOnOneOfThem() throws {
  let labels = (0..<10).map { "\($0)" }
  let data = try Dataset(
    (0..<20).map { Float($0) }, shape: [1], targets: .classes((0..<20).map { $0 / 2 }, labels: labels))
  let (first, second) = data.split(fraction: 0.2, seed: 1)
  #expect(classes(first) == labels && classes(second) == labels)
  let (all, none) = data.split(fraction: 0, seed: 1)
  #expect(all.count == 20 && none.isEmpty)
}

@Test func valuesAreSplitByTheShareOfRows() throws {
  let data = try Dataset(
    (0..<50).map { Float($0) }, shape: [1], targets: .values((0..<50).map { Double($0) }, names: ["y"]))
  let (first, second) = data.split(fraction: 0.3, seed: 1)
  #expect(second.count == 15 && Set((0..<35).map { first[$0][0] } + (0..<15).map { second[$0][0] }).count == 50)
}
