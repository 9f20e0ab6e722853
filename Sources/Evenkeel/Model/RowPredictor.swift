/// Predicts rows by programs of few rows on the calling thread, so that the bits of an answer follow from its row alone.
///
/// In larger batches, products are summed in an order that depends on the number of rows. Only one thread at a time may use it.
package final class RowPredictor {
  /// What to predict, and where to.
  package struct Row {
    /// One for each member of the model.
    package let datasets: [Dataset]
    package let row: Int
    /// Room for `width` values.
    package let values: UnsafeMutablePointer<Double>

    package init(_ datasets: [Dataset], _ row: Int, into values: UnsafeMutablePointer<Double>) {
      (self.datasets, self.row, self.values) = (datasets, row, values)
    }
  }

  /// The greatest number of rows that are predicted at once.
  package static let rowsAtOnce = DenseOperation.fewRows

  /// The number of values that are predicted for a row.
  package let width: Int
  private let ensemble: ModelEnsemble
  private let programs: [Program]
  /// What one member predicts.
  private var values: [Double]

  /// - Throws: `EvenkeelError` if there is not enough memory.
  package init(_ ensemble: ModelEnsemble) throws {
    self.ensemble = ensemble
    width = ensemble.outputCount
    programs = try ensemble.members.map {
      try Program($0.state.layout, maximumRows: Self.rowsAtOnce, purpose: .prediction, threads: 1)
    }
    values = Array(repeating: 0, count: Self.rowsAtOnce * width)
  }

  /// Predicts at most `rowsAtOnce` rows, as `ModelEnsemble.predictInDouble` each of them alone.
  /// - Parameters:
  ///   - shift: Takes what reaches the first norm of the first member.
  ///   - failed: Is told of a row whose values are not predicted: an `EvenkeelError` with code `data` for one that is not finite or
  ///     leads to an output that is not.
  package func predict(
    _ rows: ArraySlice<Row>, watchedBy shift: InputShift? = nil, failed: (_ index: Int, any Error) -> Void
  ) {
    var left = Array(rows.indices)
    for member in programs.indices {
      let (model, program) = (ensemble.members[member], programs[member])
      gather(rows, &left, member, failed)
      guard !left.isEmpty else { return }
      do {
        try program.forward(
          Program.Call(rows: left.count, state: model.state, statistics: .running),
          observe: member == 0 ? shift.map { $0.observe } : nil)
      } catch {
        // One of several may be the reason.
        guard left.count > 1 else { return failed(left[0], error) }
        for index in left { predict(rows[index...index], failed: failed) }
        return
      }
      interpret(program.output, rows: left.count, by: model)
      for (place, index) in left.enumerated() {
        let values = rows[index].values
        for output in 0..<width {
          let value = self.values[place * width + output]
          values[output] = member == 0 ? value : values[output] + value
        }
      }
    }
    for index in left {
      let values = rows[index].values
      if programs.count > 1 { for output in 0..<width { values[output] /= Double(programs.count) } }
      if !(0..<width).allSatisfy({ values[$0].isFinite }) {
        failed(
          index,
          EvenkeelError.data("The model's output for row \(rows[index].row) is not finite: the row is out of range."))
      }
    }
  }

  /// Brings rows into a member's program; takes those out of `left` that are not finite.
  private func gather(_ rows: ArraySlice<Row>, _ left: inout [Int], _ member: Int, _ failed: (Int, any Error) -> Void) {
    let (model, program) = (ensemble.members[member], programs[member])
    var place = program.input
    left.removeAll { index in
      do {
        try rows[index].datasets[member].gather(rows[index].row, 1, into: place, scaling: model.scaling, threads: 1)
      } catch {
        failed(index, error)
        return true
      }
      place += program.inputLength
      return false
    }
  }

  private func interpret(_ outputs: UnsafeMutablePointer<Float>, rows: Int, by model: Model) {
    OutputDescription.mergeMembers(
      outputs, rows: rows, members: model.state.layout.network.members, width: width, kind: model.output?.loss.kind)
    model.output?.temper(outputs, count: rows * width)
    values.withUnsafeMutableBufferPointer { values in
      if let output = model.output {
        output.interpret(outputs, rows: rows, width: width, into: values.baseAddress!)
      } else {
        for index in 0..<rows * width { values[index] = Double(outputs[index]) }
      }
    }
  }
}
