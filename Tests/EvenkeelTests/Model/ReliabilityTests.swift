import Evenkeel
import Testing

/// Two classes; each prediction is of class 0 with this probability, and right or not.
private func predictions(_ rows: [(probability: Double, isRight: Bool)], weights: [Double]? = nil) -> ClassPredictions {
  ClassPredictions(
    ["a", "b"], truth: rows.map { $0.isRight ? 0 : 1 },
    probabilities: rows.map { [$0.probability, 1 - $0.probability] },
    weights: weights)
}

@Suite struct ReliabilityTests {
  /// 0.6 = 9/15 is the upper end of its bin. 2/5 |1/2 − 0.575| + 2/5 |1/2 − 0.92| + 1/5 |1 − 0.99| = 0.2.
  @Test func binsHoldTheirUpperEndAndTheErrorIsTheirWeightedMean() {
    let held = predictions([(0.55, false), (0.6, true), (0.91, true), (0.93, false), (0.99, true)])
    let bins = held.reliability
    let ends: [Double] = bins.map { 15 * $0.upper }
    #expect(ends == [9, 14, 15])
    #expect(bins.map(\.weight) == [2, 2, 1])
    #expect(abs(bins[0].confidence - 0.575) < 1e-12 && bins[0].accuracy == 0.5)
    #expect(abs(bins[1].confidence - 0.92) < 1e-12 && bins[1].accuracy == 0.5)
    let expected = (2 * 0.075 + 2 * 0.42 + 0.01) / 5
    #expect(abs(held.value(of: .calibrationError)! - expected) < 1e-12)
  }

  @Test func anExampleOfWeightTwoCountsAsTwo() {
    let twice = predictions([(0.7, true), (0.7, true), (0.72, false)])
    let weighted = predictions([(0.7, true), (0.72, false)], weights: [2, 1])
    let (bins, whole) = (weighted.reliability, twice.reliability)
    #expect(bins.map(\.confidence) == whole.map(\.confidence) && bins.map(\.accuracy) == whole.map(\.accuracy))
    #expect(weighted.value(of: .calibrationError) == twice.value(of: .calibrationError))
    // But they say less than three independent examples do.
    let widths: [Double] = [bins, whole].map { $0[0].interval.upperBound - $0[0].interval.lowerBound }
    #expect(widths[0] > widths[1])
  }

  /// Wilson's interval of 9 in 10 (Newcombe 1998), and that it stays within 0 and 1.
  @Test func intervalsAreWilsons() {
    let most = predictions((0..<10).map { (0.9, $0 > 0) }).reliability[0].interval
    #expect(abs(most.lowerBound - 0.5958) < 5e-5 && abs(most.upperBound - 0.9821) < 5e-5)
    let all = predictions((0..<10).map { _ in (0.9, true) }).reliability[0].interval
    #expect(abs(all.lowerBound - 0.7225) < 5e-5 && all.upperBound > 1 - 1e-12)
  }
}
