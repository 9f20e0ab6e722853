import EvenkeelReference
import Kernels
import Testing

/// Parts of vectors, and rows and outputs that are left over.
@Test(arguments: [(1, 1), (5, 3), (16, 4), (37, 6), (100, 13)])
func aRowsProductsDoNotDependOnItsNeighbors(inputs: Int, outputs: Int) {
  var numbers = Numbers(inputs)
  let (x, weights, bias) = (numbers.many(8 * inputs), numbers.many(outputs * inputs), numbers.many(outputs))
  var alone = [Float](repeating: .nan, count: 8 * outputs)
  alone.withUnsafeMutableBufferPointer { alone in
    for row in 0..<8 {
      x.withUnsafeBufferPointer {
        ek_row_products(
          $0.baseAddress! + row * inputs, 1, weights, bias, inputs, outputs, alone.baseAddress! + row * outputs)
      }
    }
  }
  for rows in 1...8 {
    var together = [Float](repeating: .nan, count: rows * outputs)
    ek_row_products(x, rows, weights, bias, inputs, outputs, &together)
    #expect(together.map(\.bitPattern) == alone[..<(rows * outputs)].map(\.bitPattern))
  }
  for row in 0..<8 {
    for output in 0..<outputs {
      let terms = (0..<inputs).map { Double(x[row * inputs + $0]) * Double(weights[output * inputs + $0]) }
      let error = abs(Double(alone[row * outputs + output]) - terms.reduce(Double(bias[output]), +))
      // Half a unit in the last place for each sum and product, of the size of all terms.
      let size = terms.reduce(abs(Double(bias[output]))) { $0 + abs($1) }
      #expect(error <= size * Double(Float.ulpOfOne) * Double(inputs + 1) / 2)
    }
  }
}
