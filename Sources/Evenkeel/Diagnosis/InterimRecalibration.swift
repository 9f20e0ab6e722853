extension Model {
  public mutating func recalibrate(on dataset: Dataset, threads: Int) throws {
    makeStateUnique()
    for index in state.layout.statistics.indices {
      let recorder = NormRecorder(state.layout, batchSize: 1)
      try run(dataset, Sweep(threads: threads, observe: recorder.observe)) { _, _, _ in }
      let view = state.statistics(index)
      let input = recorder.records[index].input
      for feature in 0..<view.features {
        view.mean[feature] = Float(input.mean[feature])
        view.variance[feature] = Float(input.variance(feature) * input.count / (input.count - 1))
      }
      view.batchCount.pointee = max(1, view.batchCount.pointee)
    }
    state.noteChange()
  }
}
