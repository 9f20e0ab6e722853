import Evenkeel
import Glibc

import EvenkeelLab

/// Hands `body` a path that nothing else uses and removes what lies there afterwards, a journal beside it included.
func withTemporaryPath<Result>(_ suffix: String, _ body: (String) throws -> Result) throws -> Result {
  let path = "/tmp/evenkeel-lab-\(getpid())-\(UInt64.random(in: 0 ... .max))\(suffix)"
  defer { for end in ["", "-wal", "-shm"] { unlink(path + end) } }
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

func smallTrial(_ data: LaboratoryData, rate: Double = 0.1, seed: UInt64 = 1, steps: Int = 20) -> Trial {
  Trial(
    network: Network(input: [2]) {
      Dense(8)
      BatchNorm()
      ReLU()
      Dense(2)
    }, data: data.description.fingerprint, learningRate: rate, batchSize: 20, steps: steps, evaluations: 4, seed: seed)
}
