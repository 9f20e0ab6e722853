import Testing

/// Records an issue that names the worst of `actual` if one is further from `expected` than its bound.
package func expect(
  _ actual: [Float], near expected: [Bounded], _ what: @autoclosure () -> String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  expect(actual.map { Double($0) }, near: expected, what(), sourceLocation: sourceLocation)
}

package func expect(
  _ actual: [Double], near expected: [Bounded], _ what: @autoclosure () -> String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard actual.count == expected.count else {
    Issue.record("\(what()): \(actual.count) values instead of \(expected.count)", sourceLocation: sourceLocation)
    return
  }
  var worst: (excess: Double, index: Int)?
  for index in actual.indices {
    // Results below the normal range of Float round absolutely.
    let bound = expected[index].error + 0x1p-126
    let excess = abs(actual[index] - expected[index].value) / bound
    if !(excess <= 1), worst == nil || !(excess <= worst!.excess) { worst = (excess, index) }
  }
  guard let worst else { return }
  Issue.record(
    "\(what()): value \(worst.index) is \(actual[worst.index]) instead of \(expected[worst.index].value), \(worst.excess) times the bound \(expected[worst.index].error)",
    sourceLocation: sourceLocation)
}
