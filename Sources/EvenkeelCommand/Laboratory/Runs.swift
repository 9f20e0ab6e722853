import ArgumentParser
import Evenkeel
import EvenkeelLab
import FoundationEssentials
import Glibc

struct Runs: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists, shows and compares the runs in a store.",
    subcommands: [List.self, Show.self, Compare.self], defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Lists every run.")
    @Option(help: "The file that keeps the runs.") var store = "evenkeel.sqlite"
    @Flag(help: "One JSON object a line.") var json = false

    func run() throws {
      let store = try existing(store)
      for run in try store.runs() {
        if json {
          try emit(
            jsonObject([
              ("id", "\(run.id)"), ("state", jsonText(run.state.rawValue)), ("summary", jsonText(run.summary)),
              ("seed", "\(run.seed)"), ("score", jsonNumber(run.score)),
              ("diverged", run.state == .done ? "\(run.isDiverged)" : nil), ("seconds", jsonNumber(run.seconds)),
            ]))
        } else {
          let outcome =
            run.state != .done
            ? run.state.rawValue : run.isDiverged ? "diverged" : run.score.map { fixed($0, 4) } ?? ""
          try emit(
            padded("\(run.id)", 7) + padded(outcome, 10) + padded(run.seconds.map { fixed($0, 2) + " s" } ?? "", 10)
              + "  seed \(run.seed)  \(run.summary)")
        }
      }
      try store.requireFit()
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Shows one run: settings, curve and result.")
    @Argument(help: "The run's number.") var id: Int64
    @Option(help: "The file that keeps the runs.") var store = "evenkeel.sqlite"
    @Flag(help: "One JSON object.") var json = false

    func run() throws {
      let run = try existing(store).run(id)
      if json { return try emit(object(run)) }
      try emit("run \(run.id): \(run.trial.summary)")
      for (name, value) in facts(run) where !value.isEmpty { try emit("  \(name): \(value)") }
      guard let result = run.result else { return }
      try emit(padded("step", 10) + padded("loss", 12) + padded("score", 12))
      for point in result.curve {
        try emit(padded("\(point.step)", 10) + padded(fixed(point.loss, 4), 12) + padded(fixed(point.score, 4), 12))
      }
      for (measure, values) in result.measures.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
        try emit("\(measure.rawValue): \(values.map { compact($0) }.joined(separator: ", "))")
      }
    }

    private func object(_ run: StoredRun) throws -> String {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      encoder.nonConformingFloatEncodingStrategy = .convertToString(
        positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
      func text(_ value: some Encodable) throws -> String { String(decoding: try encoder.encode(value), as: UTF8.self) }
      return jsonObject([
        ("id", "\(run.id)"), ("state", jsonText(run.state.rawValue)), ("version", jsonText(run.version)),
        ("rules", "\(run.rules)"), ("started", jsonNumber(run.started)), ("finished", jsonNumber(run.finished)),
        ("error", run.error.map(jsonText)), ("trial", try text(run.trial)),
        ("result", try run.result.map { try text($0) }),
      ])
    }
  }

  struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Shows two runs side by side.")
    @Argument(help: "A run's number.") var first: Int64
    @Argument(help: "Another's.") var second: Int64
    @Option(help: "The file that keeps the runs.") var store = "evenkeel.sqlite"
    @Flag(help: "One JSON object a line: a setting or result that differs.") var json = false

    func run() throws {
      let store = try existing(store)
      let runs = [try store.run(first), try store.run(second)]
      let different = try differingLayers(runs[0].trial.network, runs[1].trial.network)
      let (left, right) = (
        facts(runs[0]) + different.map { ($0.name, $0.first) },
        facts(runs[1]) + different.map { ($0.name, $0.second) }
      )
      if !json { try emit(padded("", -16) + padded("run \(first)", -36) + "run \(second)") }
      for (index, (name, value)) in left.enumerated() {
        let other = right[index].1
        if json {
          if value != other {
            try emit(jsonObject([("name", jsonText(name)), ("first", jsonText(value)), ("second", jsonText(other))]))
          }
        } else if !(value.isEmpty && other.isEmpty) {
          try emit((value == other ? "  " : "≠ ") + padded(name, -14) + padded(value, -36) + other)
        }
      }
      guard !json, let a = runs[0].result?.curve, let b = runs[1].result?.curve else { return }
      try emit("  score by step")
      let steps = Set((a + b).map(\.step)).sorted()
      for step in steps {
        let cells = [a, b].map { curve in curve.first { $0.step == step }.map { fixed($0.score, 4) } ?? "" }
        try emit("  " + padded("\(step)", -14) + padded(cells[0], -36) + cells[1])
      }
    }
  }
}

/// A store that must be there: to look at runs makes no file.
func existing(_ path: String) throws -> RunStore {
  try requireName(path)
  guard access(path, F_OK) == 0 else {
    throw EvenkeelError(.noInput, "\(path): there is no such store; lab run and sweep make one.")
  }
  return try RunStore(reading: path)
}

/// Names the rows of a store that had to be set aside; without them it can be worked with.
func warnOfUnfitRows(in store: RunStore) throws {
  do { try store.requireFit() } catch let error as EvenkeelError where error.code == .data {
    complain("warning: \(error.message)")
  }
}

/// The layers that two networks do not share, with their options: what a network's summary leaves out.
private func differingLayers(
  _ first: Network, _ second: Network
) throws -> [(name: String, first: String, second: String)] {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  func texts(_ network: Network) throws -> [String: String] {
    var texts: [String: String] = [:]
    for leaf in try network.leaves() {
      texts["layer " + leaf.name] =
        type(of: leaf.layer).kind + " " + String(decoding: try encoder.encode(leaf.layer), as: UTF8.self)
    }
    return texts
  }
  let (a, b) = (try texts(first), try texts(second))
  return Set(a.keys).union(b.keys).sorted().filter { a[$0] != b[$0] }.map { ($0, a[$0] ?? "", b[$0] ?? "") }
}

/// Settings and results by name, the same names for every run.
private func facts(_ run: StoredRun) -> [(String, String)] {
  let (trial, result) = (run.trial, run.result)
  return [
    ("network", trial.network.summary), ("optimizer", trial.method.rawValue),
    ("learning rate", compact(trial.learningRate)), ("weight decay", compact(trial.weightDecay)),
    ("clipping", trial.clippingNorm.map { compact($0) } ?? ""), ("batch size", "\(trial.batchSize)"),
    ("steps", "\(trial.steps)"), ("initial scale", compact(trial.initialScale)), ("seed", "\(trial.seed)"),
    ("evaluated on", trial.evaluatedOn.rawValue), ("data", String(trial.data.prefix(8))),
    ("version", "\(run.version), rules \(run.rules)"), ("state", run.state.rawValue), ("error", run.error ?? ""),
    ("score", result.map { fixed($0.score, 4) } ?? ""),
    ("diverged", result.flatMap { $0.divergedAt.map { "at step \($0)" } } ?? ""),
    ("seconds", result.map { fixed($0.seconds, 3) } ?? ""),
  ]
}

/// `text` with spaces before it, or after it for a negative width.
private func padded(_ text: String, _ width: Int) -> String {
  let gap = String(repeating: " ", count: max(width == 0 ? 0 : 1, abs(width) - text.count))
  return width < 0 ? text + gap : gap + text
}

/// A number as people write it, without trailing zeros.
func compact(_ value: Double) -> String {
  guard value.isFinite, value != 0, abs(value) >= 1e-3, abs(value) < 1e5 else { return "\(value)" }
  var text = Substring(fixed(value, 4))
  while text.hasSuffix("0") { text = text.dropLast() }
  return String(text.hasSuffix(".") ? text.dropLast() : text)
}
