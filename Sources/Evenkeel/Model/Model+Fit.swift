extension Model {
  /// Sets the buffers of layers that follow from the training data, each after those before it.
  /// - Throws: `EvenkeelError` with code `data` for examples that a layer cannot work on.
  mutating func fitLayers(to dataset: Dataset, threads: Int) throws {
    guard state.layout.network.layers.contains(where: { $0.layer.traits.contains(.fitsInput) }) else { return }
    try makeStateUnique()
    let sample = try dataset.sample(scaling: scaling, threads: threads)
    let count = sample.count / dataset.shape.count
    let program = try Program(
      state.layout, maximumRows: min(count, state.layout.rowsAtOnce), purpose: .prediction, threads: threads)
    for (index, step) in program.steps.enumerated() where step.layer?.layer.traits.contains(.fitsInput) == true {
      let length = program.lengths[step.input]
      let inputs = try AlignedFloats(count: count * length, for: "A sample of \(count) examples")
      for start in stride(from: 0, to: count, by: program.maximumRows) {
        let rows = min(program.maximumRows, count - start)
        program.input.update(from: sample.start + start * dataset.shape.count, count: rows * dataset.shape.count)
        try program.forward(Program.Call(rows: rows, state: state, statistics: .running), 0..<index)
        (inputs.start + start * length).update(from: program.input(ofStep: index), count: rows * length)
      }
      try state.write {
        try step.operation.fit(inputs.start, rows: count, inputLength: length, $0.buffers(of: step.name))
      }
    }
  }
}
