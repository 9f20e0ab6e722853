import Evenkeel
import Testing

private func remark(_ counts: [Int]) throws -> String? {
  let classes = counts.enumerated().flatMap { index, count in Array(repeating: Int32(index), count: count) }
  let targets = Targets.classes(classes, labels: counts.indices.map { "c\($0)" })
  return try Dataset([Float](repeating: 0, count: classes.count), shape: [1], targets: targets).remarkOnRareClass
}

@Test func aClassThatFewRowsHaveIsRemarkedUpon() throws {
  #expect(
    try remark([97, 3])
      == "the class c1 has 3.0 % of the rows: --class-weight balanced counts all classes alike, --metric balanced-accuracy judges epochs so"
  )
  #expect(try remark([90, 4, 6])?.hasPrefix("the class c1 has 4.0 %") == true)
}

@Test func nothingIsSaidOfClassesThatAreCommonOrMany() throws {
  #expect(try remark([95, 5]) == nil)
  #expect(try remark(Array(repeating: 100, count: 11) + [1]) == nil)
  #expect(try Dataset([1, 2], shape: [1], targets: .values([1, 2], names: ["y"])).remarkOnRareClass == nil)
}
