import Evenkeel
import EvenkeelLab
import EvenkeelTestSupport
import Synchronization
import Testing

@Test func pointsFillTheSpaceAndAreTheSameForASeed() throws {
  let points = (0..<400).map { TuningPoint($0, seed: 3) }
  #expect(points[7] == TuningPoint(7, seed: 3) && points[7] != TuningPoint(7, seed: 4))
  #expect(points.allSatisfy { (1e-4...1e-2).contains($0.learningRate) })
  // Uniform in the logarithm: half lie below the geometric mean.
  #expect((150...250).contains(points.count { $0.learningRate < 1e-3 }))
  #expect(points.allSatisfy { $0.weightDecay == 0 || (1e-4...0.1).contains($0.weightDecay) })
  #expect((150...250).contains(points.count { $0.weightDecay == 0 }))
  #expect(points.allSatisfy { (0..<0.51).contains($0.dropout) && (1...4).contains($0.hidden.count) })
  #expect(points.allSatisfy { $0.hidden[0] % 16 == 0 && (32...512).contains($0.hidden[0]) })
  #expect(Set(points.map(\.batchSize)) == [32, 64, 128, 256, 512])
  #expect(Set(points.map(\.norm)) == Set(TuningPoint.Norm.allCases))
}

@Test func theBetterPointsAreTrainedForLongerAndAStoreIsContinued() throws {
  try withTemporaryPath(".sqlite") { path in
    let data = try smallData()
    let runner = TrialRunner(store: try RunStore(path), data: data, threads: 1)
    let tuning = Tuning(runner: runner, epochs: 9, metric: .rocAUC, seed: 1)
    let outcomes = try tuning.run(points: 9, isOver: { false }, shouldStop: { false })
    #expect(outcomes.map(\.epochs).sorted() == [1, 1, 1, 1, 1, 1, 3, 3, 9])
    let scores = outcomes.filter { !$0.result.isDiverged }.map(\.result.score)
    #expect(scores == scores.sorted(by: >) && scores[0] > 0.8, "\(scores)")
    // Nine, three and one trial; the same request makes none anew.
    #expect(try runner.store.runs().count == 13)
    let again = try tuning.run(points: 9, isOver: { false }, shouldStop: { false })
    #expect(again.map(\.point) == outcomes.map(\.point) && again.map(\.result) == outcomes.map(\.result))
    #expect(try runner.store.runs().count == 13)
  }
}

@Test func aSearchEndsWithItsTime() throws {
  try withTemporaryPath(".sqlite") { path in
    let runner = TrialRunner(store: try RunStore(path), data: try smallData(), threads: 1)
    let asked = Atomic(0)
    let tuning = Tuning(runner: runner, epochs: 1, metric: nil, seed: 1)
    // Over after so many questions: in the middle of a trial.
    let outcomes = try tuning.run(
      points: 1_000_000, isOver: { asked.wrappingAdd(1, ordering: .relaxed).newValue > 12 }, shouldStop: { false })
    #expect(outcomes.count < 9)
    #expect(try runner.store.runs().allSatisfy { $0.state == .done || $0.state == .waiting })
    let error = #expect(throws: EvenkeelError.self) {
      try tuning.run(points: 9, isOver: { false }, shouldStop: { true })
    }
    #expect(error?.code == .interrupted)
  }
}
