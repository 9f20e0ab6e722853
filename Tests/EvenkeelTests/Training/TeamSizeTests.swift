import Evenkeel
import Testing

/// Lets a run of so many periods decide, where a step on n threads takes `time(n)`, of which `waiting(n)` is spent waiting.
private func sizes(
  _ largest: Int, _ periods: Int, _ time: (Int) -> Double, waiting: (Int) -> Double = { _ in 0.5 }
) -> [Int] {
  let team = TeamSize(largest: largest)
  return (0..<periods).map { _ in
    team.decide(nanoseconds: time(team.current), waiting: waiting(team.current))
    return team.current
  }
}

@Test func aTeamThatIsNotWaitedForStaysAsItIs() {
  #expect(sizes(8, 200, { 1e9 / Double($0) }, waiting: { _ in 0.1 }).allSatisfy { $0 == 8 })
}

@Test func threadsThatDoNotPayAreShed() {
  let chosen = sizes(8, 400, { 1 + Double($0) })
  // Now and then it is tried again whether more would pay, ever more rarely.
  #expect(chosen.suffix(100).count { $0 == 1 } >= 97 && chosen.suffix(300).contains(2))
}

@Test func aThreadThatDoesNotPayForShortStepsIsShedEvenIfNobodyWaits() {
  let chosen = sizes(2, 300, { $0 == 1 ? 1e5 : 1.3e5 }, waiting: { _ in 0 })
  #expect(chosen.suffix(200).count { $0 == 1 } >= 190)
}

@Test func threadsThatPayComeBack() {
  var isBusy = true
  let team = TeamSize(largest: 4)
  func period() { team.decide(nanoseconds: isBusy ? 1 + Double(team.current) : 1 / Double(team.current), waiting: 0.2) }
  for _ in 0..<60 { period() }
  #expect(team.current <= 2)
  isBusy = false
  for _ in 0..<800 { period() }
  #expect(team.current >= 2)
  var uses = 0
  for _ in 0..<100 {
    period()
    uses += team.current == 4 ? 1 : 0
  }
  #expect(uses > 80)
}

@Test func aWaitedForTeamThatPaysIsKept() {
  let chosen = sizes(2, 300, { $0 == 2 ? 1 : 1.7 })
  #expect(chosen.suffix(200).count { $0 == 2 } >= 197)
}
