import Evenkeel

/// Chooses the size of each claim's experiment, so that all requested claims fit into a time.
package struct Planner: Sendable {
  package let speed: Speed
  /// Trials at a time.
  package let threads: Int
  /// Trials share caches and memory, and the last ones leave threads idle.
  static let reserve = 1.3

  package init(speed: Speed, threads: Int) { (self.speed, self.threads) = (speed, threads) }

  /// The total seconds of all trials that the claim will ask for under `plan`.
  package func seconds(_ claim: any Claim, _ plan: Plan) throws -> Double {
    let trials = try claim.trials(plan, .assumed)
    return trials.reduce(0) { $0 + speed.seconds($1) } * Self.reserve / Double(threads)
  }

  /// Plans for `claims` that together take at most `budget` seconds. All start with the smallest size; the smallest
  /// grows first.
  /// - Throws: `EvenkeelError` with code `usage` that names the shortest budget that works.
  package func plans(
    _ claims: [any Claim], budget: Double, data: DataDescription, network: Network?, seeds: Int
  ) throws -> [Plan] {
    func plan(_ claim: any Claim, _ size: Int) -> Plan {
      Plan(claim: claim.name, data: data, network: network, seeds: seeds, size: size)
    }
    var sizes = Array(repeating: 0, count: claims.count)
    var costs = try claims.map { try seconds($0, plan($0, 0)) }
    let least = costs.reduce(0, +)
    guard least <= budget else {
      throw EvenkeelError(
        .usage,
        "--budget \(Self.text(budget)) is too short for \(claims.count == 1 ? claims[0].name : "\(claims.count) claims") with \(seeds) seeds on this machine; the shortest that works is \(Self.text(least * 1.1))."
      )
    }
    var growing = Set(claims.indices)
    while let next = growing.min(by: { (sizes[$0], costs[$0]) < (sizes[$1], costs[$1]) }) {
      guard sizes[next] + 1 < Plan.sizes.count else {
        growing.remove(next)
        continue
      }
      let cost = try seconds(claims[next], plan(claims[next], sizes[next] + 1))
      if costs.reduce(0, +) - costs[next] + cost <= budget {
        sizes[next] += 1
        costs[next] = cost
      } else {
        growing.remove(next)
      }
    }
    return claims.indices.map { plan(claims[$0], sizes[$0]) }
  }

  /// Reads `10m`, `90s`, `1h`, `1h30m` or a number of seconds.
  /// - Throws: `EvenkeelError` with code `usage`.
  package static func budget(_ text: String) throws -> Double {
    var total = 0.0
    var number = ""
    for character in text + (text.last?.isNumber ?? false ? "s" : "") {
      if character.isNumber || character == "." {
        number.append(character)
        continue
      }
      let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600]
      guard let unit = units[character], let value = Double(number) else { total = .nan; break }
      total += value * unit
      number = ""
    }
    guard total.isFinite, total > 0, total < 1e8 else {
      throw EvenkeelError(.usage, "--budget is \"\(text)\"; expected a time, as in 10m, 90s or 1h30m.")
    }
    return total
  }

  private static func text(_ seconds: Double) -> String {
    let whole = Int(min(seconds, 1e15).rounded(.up))
    return whole < 600 ? "\(whole)s" : "\((whole + 59) / 60)m"
  }
}
