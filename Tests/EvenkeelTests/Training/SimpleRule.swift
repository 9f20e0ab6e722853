import Evenkeel

/// Six features of which two decide the class.
func simpleRuleExamples(_ count: Int, seed: UInt64 = 1) throws -> Dataset {
  var random = RandomNumbers(RandomKey(seed: seed))
  let values = (0..<count * 6).map { _ in Float(random.normal()) }
  let labels = (0..<count).map { Int32(values[$0 * 6] > 0.4 ? 2 : values[$0 * 6 + 1] > 0 ? 1 : 0) }
  return try Dataset(values, shape: [6], targets: .classes(labels, labels: ["a", "b", "c"]))
}
