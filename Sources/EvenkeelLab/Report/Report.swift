import Evenkeel

/// The laboratory's findings, as a value; `html()` turns them into a page.
package struct Report: Codable, Hashable, Sendable {
  package var title: String
  /// The date it was made, as it is printed: "24 November 2026".
  package var date: String
  /// The data that the experiments ran on: "MNIST, 50,000 training, 10,000 validation images".
  package var data: String
  /// The machine: processor, cores, vector instructions.
  package var machine: String
  /// Evenkeel's version and that of the experiments' rules.
  package var version: String
  /// A section each, in this order.
  package var claims: [ClaimReport]

  package init(
    title: String, date: String, data: String, machine: String, version: String, claims: [ClaimReport]
  ) {
    (self.title, self.date, self.data, self.machine) = (title, date, data, machine)
    (self.version, self.claims) = (version, claims)
  }
}

/// The findings on one claim.
package struct ClaimReport: Codable, Hashable, Sendable {
  /// The claim's name in commands, also the section's anchor: "faster".
  package var name: String
  /// The claim as people make it: "Batch norm trains faster".
  package var title: String
  /// What the experiment asks.
  package var question: String
  /// The set-up: network, data, what was varied, what was fixed; one string per paragraph.
  package var setup: [String]
  package var figures: [Figure]
  package var tables: [NumberTable]
  package var verdict: Verdict
  /// The size of the effect; `nil` if the trials do not give one yet.
  package var effect: Effect?
  /// The rule, fixed before the data, that gives the verdict.
  package var rule: String
  /// The command that reproduces these numbers.
  package var command: String
  package var seeds: Int
  /// Trials that have ended, diverged ones included.
  package var trials: Int
  /// Trials that gave no finite loss.
  package var divergedTrials: Int
  /// What else a reader should know: what fell short, what was left out.
  package var notes: [String]

  package init(
    name: String, title: String, question: String, setup: [String], figures: [Figure] = [], tables: [NumberTable] = [],
    verdict: Verdict, effect: Effect? = nil, rule: String, command: String, seeds: Int, trials: Int,
    divergedTrials: Int = 0, notes: [String] = []
  ) {
    (self.name, self.title, self.question, self.setup) = (name, title, question, setup)
    (self.figures, self.tables, self.verdict, self.effect) = (figures, tables, verdict, effect)
    (self.rule, self.command, self.seeds, self.trials) = (rule, command, seeds, trials)
    (self.divergedTrials, self.notes) = (divergedTrials, notes)
  }
}

/// What a claim's rule says about the data.
package enum Verdict: String, Codable, Hashable, Sendable, CaseIterable {
  case supported
  case notSupported
  /// The data allow neither: the interval is too wide, or too few trials ended.
  case undecided
}

/// How large an effect is, with its 95 % interval.
package struct Effect: Codable, Hashable, Sendable {
  /// What is measured, to follow the number: "times fewer steps to 95 % accuracy", "points of accuracy".
  package var name: String
  package var value: Double
  package var low: Double
  package var high: Double

  /// - Precondition: All are finite.
  package init(_ name: String, value: Double, low: Double, high: Double) {
    precondition(value.isFinite && low.isFinite && high.isFinite, "An effect that is not finite is none.")
    (self.name, self.value, self.low, self.high) = (name, value, low, high)
  }
}

/// A table below a claim's figures.
package struct NumberTable: Codable, Hashable, Sendable {
  package var title: String
  /// Column headers, units included: "Steps", "Time (s)".
  package var columns: [String]
  /// Numbers in them that were not finite are `.number(nil)`.
  package private(set) var rows: [[Cell]]

  package init(_ title: String, columns: [String], rows: [[Cell]]) {
    precondition(rows.allSatisfy { $0.count == columns.count })
    (self.title, self.columns, self.rows) = (title, columns, rows.map { $0.map(\.finite) })
  }

  /// Literals of text and numbers are cells.
  package enum Cell: Codable, Hashable, Sendable, ExpressibleByStringLiteral, ExpressibleByStringInterpolation,
    ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral
  {
    case text(String)
    /// `nil` if it diverged.
    case number(Double?)
    /// A number with its 95 % interval.
    case estimate(Double, low: Double, high: Double)

    package init(stringLiteral value: String) { self = .text(value) }
    package init(floatLiteral value: Double) { self = .number(value) }
    package init(integerLiteral value: Int) { self = .number(Double(value)) }

    fileprivate var finite: Cell {
      switch self {
      case .number(let value?) where !value.isFinite: .number(nil)
      case .estimate(let value, let low, let high) where !(value.isFinite && low.isFinite && high.isFinite):
        .number(nil)
      default: self
      }
    }
  }
}
