import Kernels

/// A way to compute the gradients of a batch in parts.
protocol BatchParts {
  /// Loss and, in `step.gradients`, the gradients of the batch's mean loss.
  func gradients(of batch: Batch, _ step: TrainingStep) throws -> Loss.Sums
  /// Folds the statistics of a successful step into the running ones.
  func commit(_ batch: Batch, _ step: TrainingStep)
}

/// Parts with separate statistics: the gradients of small batches, summed. They fold their statistics one after the
/// other into a separate set of running ones, which the model takes over when the step has succeeded.
final class MicroParts: BatchParts {
  /// The gradients of one part.
  private let gradients: AlignedFloats
  private let state: ModelState

  init(_ state: ModelState, gradients: AlignedFloats) {
    self.gradients = gradients
    self.state = ModelState(sharingParametersOf: state)
  }

  func gradients(of batch: Batch, _ step: TrainingStep) throws -> Loss.Sums {
    var sums = Loss.Sums()
    state.copyBuffers(from: step.state)
    for index in 0..<batch.parts.count {
      let part = batch.parts[index]
      var call = step.call(part, of: batch)
      if index > 0 { call.gradients = gradients.start }
      try step.gather(part, of: batch)
      try step.forward(call, step.program.steps.indices, of: batch)
      sums += try step.evaluateLoss(part, of: batch)
      try step.program.backward(call)
      if index > 0 { step.gradients.add(gradients, 0..<gradients.count, threads: step.program.team) }
      call.state = state
      step.program.commit(call)
    }
    return sums
  }

  func commit(_ batch: Batch, _ step: TrainingStep) { step.state.copyBuffers(from: state) }
}

extension AlignedFloats {
  /// Adds the values of `other` in `range`.
  func add(_ other: AlignedFloats, _ range: Range<Int>, threads: Int) {
    ek_add(
      start + range.lowerBound, other.start + range.lowerBound, range.count, start + range.lowerBound, Int32(threads))
  }
}
