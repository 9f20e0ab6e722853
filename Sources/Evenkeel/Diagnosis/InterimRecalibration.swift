extension Model {
  mutating func recalibrate(on dataset: Dataset, batchSize: Int, threads: Int?) throws {
    let recorder = NormRecorder(state.layout)
    try run(
      dataset,
      Sweep(
        threads: threads, statisticsBatch: batchSize, observe: { recorder.observeBatches(of: batchSize, $0, $1, $2) })
    ) { _, _, _ in }
    makeStateUnique()
    for (index, record) in recorder.records.enumerated() {
      let view = state.statistics(index)
      for feature in 0..<view.features {
        view.mean[feature] = Float(record.batchMeans.mean[feature])
        view.variance[feature] = Float(record.batchVariances.mean[feature] + record.batchMeans.variance(feature))
      }
      view.batchCount.pointee = 1
    }
    state.noteChange()
  }
}
