/// Predicts row after row, each by programs of one row on the calling thread, so that the bits of an answer follow from the row alone.
///
/// In a batch, products are summed in an order that depends on the number of rows. Only one thread at a time may use it.
package final class RowPredictor {
  /// The number of values that are predicted for a row.
  package let width: Int
  private let ensemble: ModelEnsemble
  private let programs: [Program]
  private var values: [Double]

  /// - Throws: `EvenkeelError` if there is not enough memory.
  package init(_ ensemble: ModelEnsemble) throws {
    self.ensemble = ensemble
    width = ensemble.outputCount
    programs = try ensemble.members.map {
      try Program($0.state.layout, maximumRows: 1, purpose: .prediction, threads: 1)
    }
    values = Array(repeating: 0, count: width)
  }

  /// Predicts row `row` of `datasets`, of which each member has its own, as `ModelEnsemble.predictInDouble`.
  /// - Parameters:
  ///   - result: Room for `width` values.
  ///   - shift: Takes what reaches the first norm of the first member.
  /// - Throws: `EvenkeelError` with code `data` for a row that is not finite or leads to an output that is not.
  package func predict(
    _ datasets: [Dataset], row: Int, into result: UnsafeMutablePointer<Double>, watchedBy shift: InputShift? = nil
  ) throws {
    let count = ensemble.members.count
    try predict(0, datasets[0], row, into: result, shift)
    if count > 1 {
      try values.withUnsafeMutableBufferPointer { values in
        for member in 1..<count {
          try predict(member, datasets[member], row, into: values.baseAddress!, nil)
          for index in 0..<width { result[index] += values[index] }
        }
      }
      for index in 0..<width { result[index] /= Double(count) }
    }
    guard (0..<width).allSatisfy({ result[$0].isFinite }) else {
      throw EvenkeelError.data("The model's output for row \(row) is not finite: the row is out of range.")
    }
  }

  private func predict(
    _ member: Int, _ dataset: Dataset, _ row: Int, into result: UnsafeMutablePointer<Double>, _ shift: InputShift?
  ) throws {
    let (model, program) = (ensemble.members[member], programs[member])
    try dataset.gather(row, 1, into: program.input, scaling: model.scaling, threads: 1)
    try program.forward(
      Program.Call(rows: 1, state: model.state, statistics: .running), observe: shift.map { $0.observe })
    OutputDescription.mergeMembers(
      program.output, rows: 1, members: model.state.layout.network.members, width: width, kind: model.output?.loss.kind)
    model.output?.temper(program.output, count: width)
    if let output = model.output {
      output.interpret(program.output, rows: 1, width: width, into: result)
    } else {
      for index in 0..<width { result[index] = Double(program.output[index]) }
    }
  }
}
