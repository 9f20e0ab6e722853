import Evenkeel
import EvenkeelReference
import Kernels
import Primitives
import Testing

private let isAvailable = Precision.bfloat16.isAvailable
private let missing: Comment = "the processor has no bfloat16"

private func rounded(_ values: [Float]) -> [UInt16] {
  var result = [UInt16](repeating: 0, count: values.count)
  ek_to_bfloat16(values, values.count, &result)
  return result
}

private func float(_ half: UInt16) -> Float { Float(bitPattern: UInt32(half) << 16) }

/// The nearest number of 8 bits of significand, in Double; of two that are as near the even one.
private func nearest(_ value: Float) -> Float {
  let below = Float(bitPattern: value.bitPattern & 0xffff_0000)
  // Beyond the largest the next would be 2¹²⁸.
  let above = Float(bitPattern: (value.bitPattern & 0xffff_0000) &+ 0x1_0000)
  let next = above.isFinite ? Double(above) : value < 0 ? -0x1p128 : 0x1p128
  let (down, up) = (abs(Double(value) - Double(below)), abs(next - Double(value)))
  return down < up || (down == up && below.bitPattern & 0x1_0000 == 0) ? below : above
}

@Test func roundingToBFloat16IsToNearestTiesToEven() {
  let endings: [UInt32] = [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff]
  let values = (UInt32(0)...0xffff).flatMap { upper in endings.map { Float(bitPattern: upper << 16 | $0) } }
  let halves = rounded(values)
  for (value, half) in zip(values, halves) {
    if value.isNaN {
      #expect(float(half).isNaN, "\(value.bitPattern)")
    } else if value.isInfinite {
      #expect(float(half) == value)
    } else if float(half).bitPattern != nearest(value).bitPattern {
      Issue.record("\(value) became \(float(half)); expected \(nearest(value))")
    }
  }
  #expect(float(rounded([Float.greatestFiniteMagnitude])[0]) == .infinity)
  #expect(float(rounded([0x1p-130])[0]) == 0x1p-130, "subnormal numbers stay")
  #expect(float(rounded([-0.0])[0]).sign == .minus)
}

/// Memory at multiples of 64, as the engine's is.
private final class Memory<Element: BitwiseCopyable> {
  let start: UnsafeMutablePointer<Element>
  let count: Int

  init(_ values: [Element]) {
    count = values.count
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: max(64, count * MemoryLayout<Element>.stride), alignment: 64)
    start = memory.bindMemory(to: Element.self, capacity: max(1, count))
    start.update(from: values, count: count)
  }

  deinit { start.deallocate() }

  var values: [Element] { Array(UnsafeBufferPointer(start: start, count: count)) }
}

private func bytes(_ count: Int) -> Memory<UInt8> { Memory(Array(repeating: 0, count: count)) }
private func floats(_ count: Int) -> Memory<Float> { Memory(Array(repeating: 12345, count: count)) }

/// Products of rounded operands are exact in Float; their sums are not.
@Test(
  .enabled(if: isAvailable, missing),
  arguments: [(1, 1, 1), (3, 7, 5), (16, 784, 10), (17, 100, 33), (60, 64, 100), (128, 300, 256)])
func theProductsInBFloat16AreThoseOfTheRoundedOperands(rows: Int, inputs: Int, outputs: Int) throws {
  var numbers = Numbers(rows * 1000 + inputs)
  let (x, weights, dy) = (
    numbers.many(rows * inputs), numbers.many(outputs * inputs), numbers.many(rows * outputs)
  )
  let (halfX, halfDY) = (Memory(rounded(x)), Memory(rounded(dy)))
  let (y, dx, dweights) = (floats(rows * outputs), floats(rows * inputs), floats(outputs * inputs))
  let plain = Memory(weights)
  func product(_ kind: ek_inner_product_kind, _ body: (OpaquePointer, Memory<UInt8>, Memory<UInt8>) -> [Int32]) throws {
    var made: OpaquePointer?
    try #require(ek_inner_product_create(kind, Int64(rows), Int64(inputs), Int64(outputs), 1, nil, &made) == 0)
    let product = made!
    defer { ek_inner_product_destroy(product) }
    let statuses = body(
      product, bytes(ek_inner_product_weights_bytes(product)), bytes(ek_inner_product_workspace_bytes(product)))
    try #require(statuses.allSatisfy { $0 == 0 })
  }
  try product(EK_INNER_FORWARD) { product, packed, workspace in
    [
      ek_inner_product_reorder(product, 0, plain.start, packed.start, workspace.start),
      ek_inner_product_run(product, 0, halfX.start, packed.start, y.start, workspace.start),
    ]
  }
  try product(EK_INNER_BACKWARD_INPUT) { product, packed, workspace in
    [
      ek_inner_product_reorder(product, 0, plain.start, packed.start, workspace.start),
      ek_inner_product_run(product, 0, halfDY.start, packed.start, dx.start, workspace.start),
    ]
  }
  try product(EK_INNER_GRADIENT) { product, sums, workspace in
    [
      ek_inner_product_run(product, 0, halfX.start, halfDY.start, sums.start, workspace.start),
      ek_inner_product_reorder(product, 0, sums.start, dweights.start, workspace.start),
    ]
  }
  let (a, w, g) = (
    Matrix(rows, inputs, x.map(nearest)), Matrix(outputs, inputs, weights.map(nearest)),
    Matrix(rows, outputs, dy.map(nearest))
  )
  expect(y.values, near: (a * w.transposed).values, "y")
  expect(dx.values, near: (g * w).values, "dx")
  expect(dweights.values, near: (g.transposed * a).values, "dW")
}

@Test(
  .enabled(if: isAvailable, missing),
  arguments: [
    (channels: 1, filters: 8, groups: 1, stride: 1), (channels: 3, filters: 16, groups: 1, stride: 1),
    (channels: 16, filters: 32, groups: 1, stride: 2), (channels: 32, filters: 32, groups: 1, stride: 1),
    (channels: 6, filters: 6, groups: 6, stride: 1), (channels: 8, filters: 12, groups: 2, stride: 1),
  ])
func theConvolutionsInBFloat16AreThoseOfTheRoundedOperands(channels: Int, filters: Int, groups: Int, stride: Int) throws
{
  let (rows, height, width) = (3, 7, 6)
  let windows = ReferenceWindows(
    [height, width, channels], kernel: 3, stride: Extent(height: stride, width: stride), padding: .each(1))
  let (outHeight, outWidth) = (windows.height.output, windows.width.output)
  var numbers = Numbers(channels * 100 + filters)
  let x = numbers.many(rows * height * width * channels)
  let weights = numbers.many(filters * channels / groups * 9)
  let (bias, dy) = (numbers.many(filters), numbers.many(rows * outHeight * outWidth * filters))
  var described = ek_windows(
    rows: Int64(rows), height: Int64(height), width: Int64(width), channels: Int64(channels),
    out_height: Int64(outHeight), out_width: Int64(outWidth), out_channels: Int64(filters), groups: Int64(groups),
    kernel_height: 3, kernel_width: 3, stride_height: Int64(stride), stride_width: Int64(stride), dilation_height: 1,
    dilation_width: 1, pad_top: 1, pad_left: 1,
    pad_bottom: Int64((outHeight - 1) * stride + 3 - height - 1),
    pad_right: Int64((outWidth - 1) * stride + 3 - width - 1))
  var made: (convolution: OpaquePointer?, gradient: OpaquePointer?)
  try #require(ek_convolution_create(&described, 1, 1, 1, 1, nil, &made.convolution) == 0)
  try #require(ek_convolution_gradient_create(&described, 1, 1, nil, &made.gradient) == 0)
  let (convolution, gradient) = (made.convolution!, made.gradient!)
  defer {
    ek_convolution_destroy(convolution)
    ek_convolution_gradient_destroy(gradient)
  }
  let packed = bytes(ek_convolution_packed_bytes(convolution))
  let sums = floats(ek_convolution_gradient_bytes(gradient) / 4)
  let workspace = bytes(
    max(ek_convolution_workspace_bytes(convolution), ek_convolution_gradient_workspace_bytes(gradient)))
  let (halfX, halfDY, plain, offset) = (Memory(rounded(x)), Memory(rounded(dy)), Memory(weights), Memory(bias))
  let (y, dx, dweights) = (floats(dy.count), floats(x.count), floats(weights.count))
  for status in [
    ek_convolution_pack(convolution, 0, plain.start, packed.start, workspace.start),
    ek_convolution_forward(convolution, 0, halfX.start, packed.start, offset.start, y.start, workspace.start),
    ek_convolution_backward_input(convolution, 0, halfDY.start, packed.start, dx.start, workspace.start),
    ek_convolution_gradient_run(gradient, 0, halfX.start, halfDY.start, sums.start, workspace.start),
    ek_convolution_gradient_unpack(gradient, 0, sums.start, dweights.start, workspace.start),
  ] { try #require(status == 0) }
  let reference = ReferenceConvolution(
    "c", windows, channels: channels, filters: filters, groups: groups, weight: weights.map { Bounded(nearest($0)) },
    bias: bias.map { Bounded($0) })
  let expected = reference.forward(Matrix(rows, x.count / rows, x.map(nearest)), training: true)
  let expectedGradient = reference.backward(Matrix(rows, dy.count / rows, dy.map(nearest)))
  expect(y.values, near: expected.values, "y")
  expect(dx.values, near: expectedGradient.values, "dx")
  expect(dweights.values, near: reference.gradients["c.weight"]!, "dW")
}
