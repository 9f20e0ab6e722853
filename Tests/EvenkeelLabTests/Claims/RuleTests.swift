import Evenkeel
import EvenkeelLab
import Testing

@Suite struct RuleTests {
  /// Of intervals from normal samples 95 % hold the mean; for five values an interval within their range cannot do better than
  /// 1 − 2⁻⁴ = 93.75 %.
  @Test(arguments: [(5, 0.925, 0.95), (10, 0.935, 0.97), (30, 0.93, 0.97)])
  func theBootstrapCoversTheMeanOfANormalDistribution(count: Int, least: Double, most: Double) {
    var random = RandomNumbers(RandomKey(seed: UInt64(count)))
    let rounds = 600
    let covered = (0..<rounds).count { _ in
      Bootstrap.interval(of: (0..<count).map { _ in 3 + random.normal() })!.contains(3)
    }
    // Three binomial deviations of 600 rounds.
    let share = Double(covered) / Double(rounds)
    #expect(share > least - 0.03 && share < most + 0.02, "\(share)")
  }

  @Test func theBootstrapRepeatsAndKnowsItsLimits() {
    let values = [1.0, 2, 4, 8, 16]
    #expect(Bootstrap.interval(of: values) == Bootstrap.interval(of: values))
    #expect(Bootstrap.interval(of: [1]) == nil && Bootstrap.interval(of: [1, .nan]) == nil)
    #expect(Bootstrap.interval(of: [2, 2, 2, 2, 2]) == 2...2)
    #expect(Bootstrap.tail(5) < 0.0011 && Bootstrap.tail(5) > 0.0009 && abs(Bootstrap.tail(1_000) - 0.0206) < 0.001)
  }

  @Test func aClaimOfAnEffectIsJudgedByTheSideOfTheThresholdThatItsIntervalLiesOn() {
    let rule = Rule("points", .above(1))
    func verdict(_ values: [Double]) -> Verdict { rule.verdict(rule.effect(of: values), seeds: values.count) }
    #expect(verdict([2, 2.1, 2.2, 1.9, 2.3]) == .supported)
    #expect(verdict([0.2, 0.1, 0.2, -0.1, 0.3]) == .notSupported)
    #expect(verdict([0, 2, 0.5, 1.5, 3]) == .undecided)
    #expect(verdict([2, 2, 2, 2]) == .undecided, "four seeds are too few")
  }

  @Test func aClaimOfNoEffectIsJudgedByTheMarginThatItsIntervalLiesIn() {
    let rule = Rule("points", .within(0.5))
    func verdict(_ values: [Double]) -> Verdict { rule.verdict(rule.effect(of: values), seeds: values.count) }
    #expect(verdict([0.1, -0.1, 0.2, 0, -0.2]) == .supported)
    #expect(verdict([1, 1.1, 0.9, 1, 1.2]) == .notSupported)
    #expect(verdict([-1, -1.1, -0.9, -1, -1.2]) == .notSupported)
    #expect(verdict([0.1, 0.9, 0.3, 0.8, 0.2]) == .undecided)
  }

  @Test func ratiosAreAveragedAsLogarithms() throws {
    let effect = try #require(Rule("times", .above(1), isRatio: true).effect(of: [0.5, 2, 0.5, 2, 1]))
    #expect(abs(effect.value - 1) < 1e-12 && effect.low < 1 && effect.high > 1)
  }

  @Test func theNearestClaimIsNamed() throws {
    #expect(try Claims.named(["all"]).count == 15)
    for (typed, meant) in [
      ("train-faster", "trains-faster"), ("smallbatch", "small-batches"), ("ghost", "ghost-batches"),
    ] {
      #expect { _ = try Claims.named([typed]) } throws: { "\($0)".contains("did you mean \(meant)?") }
    }
  }
}
