import Kernels
import Primitives

/// The gradient of a convolution's weights by oneDNN: each slice leaves its part, and the parts are merged; or, where
/// these would take too much memory, blocks of output channels are computed from the whole batch.
struct ConvolutionGradient: Sendable {
  let leavesParts: Bool
  /// Floats of a part: the gradient in oneDNN's order, for `outputsAtOnce` channels.
  let partCount: Int
  let workspaceCount: Int
  let blocks: Int
  private let outputsAtOnce: Int
  private let primitives: PrimitivesByRows
  /// For the last block, if it is smaller.
  private let rest: PrimitivesByRows?
  private let precision: Precision
  private let largestSlice: Int
  private let outputs, weightsOfOutput: Int
  /// Floats for the operands, input first, where they are rounded or parts of rows.
  private let inputCount, operandCount: Int

  init(_ filter: ConvolutionSpec, windows: ek_windows, site: LayerSite) throws {
    outputs = site.output.featureCount
    let groupInputs = site.input.featureCount / filter.groups
    weightsOfOutput = groupInputs * Int(windows.kernel_height * windows.kernel_width)
    leavesParts = GradientParts.payInConvolutions(count: outputs * weightsOfOutput, site: site)
    precision = site.precision
    largestSlice = site.maximumSlice
    // Channels of a group stay together.
    outputsAtOnce = leavesParts || filter.groups > 1 ? outputs : min(outputs, 64)
    blocks = (outputs - 1) / outputsAtOnce + 1
    primitives = try Self.primitives(filter, windows, outputs: outputsAtOnce, site)
    rest =
      outputs % outputsAtOnce == 0
      ? nil : try Self.primitives(filter, windows, outputs: outputs % outputsAtOnce, site)
    partCount = ek_convolution_gradient_bytes(primitives.first.handle) / MemoryLayout<Float>.stride
    let isRounded = precision == .bfloat16
    inputCount = isRounded ? BFloat16.floats(holding: largestSlice * site.input.count) : 0
    let gradientCount = largestSlice * site.output.count / outputs * outputsAtOnce
    operandCount =
      inputCount
      + (isRounded
        ? BFloat16.floats(holding: gradientCount) : outputsAtOnce < outputs ? (gradientCount + 15) / 16 * 16 : 0)
    workspaceCount =
      operandCount + (leavesParts ? 0 : 2 * partCount) + max(primitives.workspaceCount, rest?.workspaceCount ?? 0)
  }

  private static func primitives(
    _ filter: ConvolutionSpec, _ windows: ek_windows, outputs: Int, _ site: LayerSite
  ) throws -> PrimitivesByRows {
    try PrimitivesByRows(largest: site.maximumSlice, members: site.members) { rows, like in
      var windows = windows
      windows.rows = Int64(rows)
      windows.out_channels = Int64(outputs)
      return try Primitive(
        "Layer \(site.name) (\(filter.kind))",
        make: {
          ek_convolution_gradient_create(
            &windows, site.precision == .bfloat16 ? 1 : 0, Int32(site.members), like?.handle, $0)
        },
        workspaceBytes: { ek_convolution_gradient_workspace_bytes($0) },
        destroy: { ek_convolution_gradient_destroy($0) })
    }
  }

  /// part ← what the rows of a slice add.
  func addPart(_ pass: BackwardPass, to part: UnsafeMutablePointer<Float>) throws {
    try run(pass, 0..<pass.rows, channels: 0..<outputs, primitives(pass.rows), to: part)
  }

  private func run(
    _ pass: BackwardPass, _ rows: Range<Int>, channels: Range<Int>, _ primitive: Primitive,
    to sums: UnsafeMutablePointer<Float>
  ) throws {
    let member = pass.forward.member
    let input = precision.operand(
      pass.input + rows.lowerBound * pass.inputLength, rows.count * pass.inputLength, rounded: pass.workspace)
    let gradient = operand(
      pass.outputGradient + rows.lowerBound * pass.outputLength, rows.count * pass.outputLength / outputs, channels,
      in: pass.workspace + inputCount)
    try primitive.check(
      ek_convolution_gradient_run(
        primitive.handle, Int32(member), input, gradient, sums,
        primitive.workspace(workspace(pass), member: member)))
  }

  /// The workspace of primitives: behind operands and sums.
  private func workspace(_ pass: BackwardPass) -> UnsafeMutablePointer<Float> {
    pass.workspace + operandCount + (leavesParts ? 0 : 2 * partCount)
  }

  /// Some channels of a gradient, as they are multiplied.
  private func operand(
    _ values: UnsafePointer<Float>, _ pixels: Int, _ channels: Range<Int>, in memory: UnsafeMutablePointer<Float>
  ) -> UnsafeRawPointer {
    guard channels.count < outputs else { return precision.operand(values, pixels * outputs, rounded: memory) }
    let first = values + channels.lowerBound
    for pixel in 0..<pixels {
      switch precision {
      case .float32:
        (memory + pixel * channels.count).update(from: first + pixel * outputs, count: channels.count)
      case .bfloat16:
        ek_to_bfloat16(
          first + pixel * outputs, channels.count, BFloat16.numbers(at: memory) + pixel * channels.count)
      }
    }
    return UnsafeRawPointer(memory)
  }

  /// Where in the weights' gradient that of a block begins.
  func start(ofBlock block: Int) -> Int { min(block * outputsAtOnce, outputs) * weightsOfOutput }

  /// The gradient of one block.
  func compute(_ pass: BackwardPass, block: Int, partsAt offset: Int) throws {
    let first = block * outputsAtOnce
    let channels = first..<min(first + outputsAtOnce, outputs)
    let primitives = channels.count == outputsAtOnce ? primitives : rest!
    let sums = leavesParts ? pass.mergeSlices(at: offset, count: partCount) : try sum(pass, channels, primitives)
    let member = pass.forward.member
    let primitive = primitives.first
    try primitive.check(
      ek_convolution_gradient_unpack(
        primitive.handle, Int32(member), sums, pass.parameterGradient(0) + first * weightsOfOutput,
        primitive.workspace(workspace(pass), member: member)))
  }

  /// The sum over the batch, as many rows at once as a slice has at most.
  private func sum(
    _ pass: BackwardPass, _ channels: Range<Int>, _ primitives: PrimitivesByRows
  ) throws -> UnsafeMutablePointer<Float> {
    let sums = pass.workspace + operandCount
    let part = sums + partCount
    for start in stride(from: 0, to: pass.rows, by: largestSlice) {
      let rows = start..<min(start + largestSlice, pass.rows)
      try run(pass, rows, channels: channels, primitives(rows.count), to: start == 0 ? sums : part)
      if start > 0 { ek_add(sums, part, partCount, sums, 1) }
    }
    return sums
  }
}
