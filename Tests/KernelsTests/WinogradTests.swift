import EvenkeelReference
import Kernels
import Primitives
import Testing

/// A 3×3 convolution in Double, and how far oneDNN's is from it.
private struct Convolved {
  let rows: Int, side = 9, inputs = 32, outputs = 48
  let x: [Float], weights: [Float], dy: [Float]

  init(rows: Int) {
    self.rows = rows
    var numbers = Numbers(rows)
    x = numbers.many(rows * side * side * inputs)
    weights = numbers.many(outputs * inputs * 9)
    dy = numbers.many(rows * side * side * outputs)
  }

  /// Calls `body` with the places of every product y += w x.
  private func forEachProduct(_ body: (_ y: Int, _ w: Int, _ x: Int) -> Void) {
    for row in 0..<rows {
      for i in 0..<side {
        for j in 0..<side {
          for (ki, kj) in (0..<9).map({ ($0 / 3, $0 % 3) })
          where (0..<side).contains(i + ki - 1) && (0..<side).contains(j + kj - 1) {
            let from = ((row * side + i + ki - 1) * side + j + kj - 1) * inputs
            let to = ((row * side + i) * side + j) * outputs
            for o in 0..<outputs { for c in 0..<inputs { body(to + o, (o * inputs + c) * 9 + ki * 3 + kj, from + c) } }
          }
        }
      }
    }
  }

  /// The largest error of y, dx and dW, each over the root of its mean square.
  func errors() throws -> [Double] {
    var y = [Double](repeating: 0, count: dy.count)
    var dx = [Double](repeating: 0, count: x.count)
    var dw = [Double](repeating: 0, count: weights.count)
    forEachProduct { i, w, j in
      y[i] += Double(weights[w]) * Double(x[j])
      dx[j] += Double(weights[w]) * Double(dy[i])
      dw[w] += Double(dy[i]) * Double(x[j])
    }
    let (ourY, ourDx, ourDw) = try ours()
    return [error(ourY, y), error(ourDx, dx), error(ourDw, dw)]
  }

  private func error(_ ours: [Float], _ exact: [Double]) -> Double {
    let size = (exact.reduce(0) { $0 + $1 * $1 } / Double(exact.count)).squareRoot()
    return zip(ours, exact).reduce(0) { max($0, abs(Double($1.0) - $1.1)) } / size
  }

  private func ours() throws -> ([Float], [Float], [Float]) {
    var windows = ek_windows(
      rows: Int64(rows), height: Int64(side), width: Int64(side), channels: Int64(inputs), out_height: Int64(side),
      out_width: Int64(side), out_channels: Int64(outputs), groups: 1, kernel_height: 3, kernel_width: 3,
      stride_height: 1, stride_width: 1, dilation_height: 1, dilation_width: 1, pad_top: 1, pad_left: 1, pad_bottom: 1,
      pad_right: 1)
    var made: OpaquePointer?
    try #require(ek_convolution_create(&windows, 0, 1, 0, &made) == 0)
    let convolution = made!
    defer { ek_convolution_destroy(convolution) }
    let packed = UnsafeMutableRawPointer.allocate(
      byteCount: ek_convolution_packed_bytes(convolution), alignment: 64)
    let workspace = UnsafeMutableRawPointer.allocate(
      byteCount: ek_convolution_workspace_bytes(convolution), alignment: 64)
    defer {
      packed.deallocate()
      workspace.deallocate()
    }
    var y = [Float](repeating: .nan, count: dy.count)
    var dx = [Float](repeating: .nan, count: x.count)
    var dw = [Float](repeating: .nan, count: weights.count)
    try #require(ek_convolution_pack(convolution, weights, packed, workspace) == 0)
    try #require(ek_convolution_forward(convolution, x, packed, nil, &y, workspace) == 0)
    try #require(ek_convolution_backward(convolution, x, dy, packed, &dw, nil, &dx, workspace) == 0)
    return (y, dx, dw)
  }
}

/// Sums of 288 products have an error of some √288 roundings at most; a batch of 16 goes by Winograd where oneDNN has it,
/// whose transforms of 6×6 tiles multiply it: by the roots of their rows' sums of squares, 11.4² on the way out, 6.5² on the way in.
@Test func convolutionsOfManyChannelsStayWithinWinogradsRounding() throws {
  let unit = 0x1p-24
  for error in try Convolved(rows: 15).errors() { #expect(error < 5 * 288.0.squareRoot() * unit) }
  for error in try Convolved(rows: 16).errors() { #expect(error < 11.4 * 11.4 * 6.5 * 6.5 * unit) }
}
