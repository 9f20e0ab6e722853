import Evenkeel
import EvenkeelLab
import EvenkeelTestSupport

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
