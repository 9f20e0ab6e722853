import Kernels

/// The loss of a program's outputs, slice by slice on its team; the sums are added in order. A rank computes those of its slices, and gets
/// those of the others.
final class SlicedLoss: @unchecked Sendable {
  private let loss: Loss
  private let sums: UnsafeMutablePointer<Loss.Sums>
  private var program: Program!
  private var slices: SliceBounds!
  private var own = 0..<0
  private var targets: BatchTargets!
  private var weights = BatchWeights()
  private var total = 0.0

  /// - Parameter slices: The largest number of slices.
  init(_ loss: Loss, slices: Int) {
    self.loss = loss
    sums = .allocate(capacity: slices)
    sums.initialize(repeating: Loss.Sums(), count: slices)
  }

  deinit { sums.deallocate() }

  /// The sums over the last `rows` rows that went through `program`, and the gradient of their mean in its place.
  /// - Throws: `EvenkeelError` with code `unavailable` if other ranks do not answer.
  func evaluate(_ program: Program, _ rows: Int, _ targets: BatchTargets, _ weights: BatchWeights) throws -> Loss.Sums {
    let width = program.outputLength / targets.members
    if let sums = targets.sums {
      try program.gatherOutput()
      ek_target_sums(program.output, targets.values, weights.weights, rows, width, sums)
    }
    (self.program, self.targets, self.weights) = (program, targets, weights)
    (slices, total) = (program.slices(of: rows), weights.total(rows))
    own = program.exchange?.own ?? 0..<slices.count
    let isLarge = rows * program.outputLength >= Self.fewOutputs
    if !own.isEmpty {
      ek_team_run(
        { context, item, _ in
          Unmanaged<SlicedLoss>.fromOpaque(context!)._withUnsafeGuaranteedRef {
            $0.evaluate(slice: $0.own.lowerBound + item)
          }
        }, Unmanaged.passUnretained(self).toOpaque(), own.count, isLarge ? Int32(program.team) : 1)
    }
    try program.exchange?.gather(sums, bytesOfSlice: MemoryLayout<Loss.Sums>.stride)
    var result = sums[0]
    for slice in 1..<max(1, slices.count) { result += sums[slice] }
    return result
  }

  private func evaluate(slice: Int) {
    sums[slice] = loss.evaluate(
      program.output, slices[slice], width: program.outputLength / targets.members, targets, weights.weights,
      total: total,
      program.outputGradient)
  }

  /// Below this many outputs a second thread gains nothing.
  private static let fewOutputs = 2048
}
