import ArgumentParser
import Evenkeel
import EvenkeelLab

struct Runs: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists, shows and compares the runs in a store.",
    subcommands: [List.self, Show.self, Compare.self, TensorBoard.self], defaultSubcommand: List.self)

  struct TensorBoard: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "tensorboard", abstract: "Writes the runs that are done for TensorBoard, a folder each.")
    @Argument(help: "A folder, which run-1, run-2 and so on go into; those that are there are written again.")
    var folder: String
    @OptionGroup var store: StoreOption

    func run() throws {
      let store = try store.existing()
      let runs = try store.runs().map(\.id)
      let written = try store.writeEvents(of: runs, below: folder)
      try emit("\(written) of \(runs.count) runs: tensorboard --logdir \(folder)")
      try store.requireFit()
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Lists every run.")
    @OptionGroup var store: StoreOption
    @Flag(help: "Print one JSON object per line.") var json = false

    func run() throws {
      let store = try store.existing()
      for run in try store.runs() { if json { try emitJSON(RunLine(run)) } else { try emit(run.line) } }
      try store.requireFit()
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Shows one run: settings, curve and result.")
    @Argument(help: "The run's number.") var id: Int64
    @OptionGroup var store: StoreOption
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
      let run = try store.existing().run(id)
      if json { return try emitJSON(StoredRunLine(run)) }
      try emit("run \(run.id): \(run.trial.summary)")
      for (name, value) in run.facts where !value.isEmpty { try emit("  \(name): \(value)") }
      guard let result = run.result else { return }
      try emit("step".alignedRight(in: 10) + "loss".alignedRight(in: 12) + "score".alignedRight(in: 12))
      for point in result.curve {
        let scores = [point.loss, point.score].map { NumberText.plain.fixed($0, decimals: 4).alignedRight(in: 12) }
        try emit("\(point.step)".alignedRight(in: 10) + scores.joined())
      }
      for (measure, values) in result.measures.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
        try emit("\(measure.rawValue): \(values.map { NumberText.plain.short($0, digits: 6) }.joined(separator: ", "))")
      }
    }
  }

  struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Shows two runs side by side.")
    @Argument(help: "A run's number.") var first: Int64
    @Argument(help: "The other run's number.") var second: Int64
    @OptionGroup var store: StoreOption
    @Flag(help: "Print one JSON object per line: a setting or result that differs.") var json = false

    func run() throws {
      let store = try store.existing()
      let (left, right) = (try store.run(first), try store.run(second))
      let facts =
        zip(left.facts, right.facts).map { DifferenceLine(name: $0.name, first: $0.value, second: $1.value) }
        + (try Self.differingLayers(left.trial.network, right.trial.network))
      if json {
        for fact in facts where fact.first != fact.second { try emitJSON(fact) }
        return
      }
      try emit("".padded(to: 16) + "run \(first)".padded(to: 36) + "run \(second)")
      for fact in facts where !(fact.first.isEmpty && fact.second.isEmpty) {
        try emit((fact.first == fact.second ? "  " : "≠ ") + Self.row(fact.name, fact.first, fact.second))
      }
      guard let a = left.result?.curve, let b = right.result?.curve else { return }
      try emit("  score by step")
      for step in Set((a + b).map(\.step)).sorted() {
        let scores = [a, b].map { curve in
          curve.first { $0.step == step }.map { NumberText.plain.fixed($0.score, decimals: 4) } ?? ""
        }
        try emit("  " + Self.row("\(step)", scores[0], scores[1]))
      }
    }

    private static func row(_ name: String, _ first: String, _ second: String) -> String {
      name.padded(to: 14) + first.padded(to: 36) + second
    }

    /// The layers that two networks do not share, with their options: what a network's summary leaves out.
    private static func differingLayers(_ first: Network, _ second: Network) throws -> [DifferenceLine] {
      func texts(_ network: Network) throws -> [String: String] {
        var texts: [String: String] = [:]
        for placed in try network.placed().layers {
          texts["layer " + placed.path] = try type(of: placed.layer).kind + " " + EvenkeelLab.json(placed.layer)
        }
        return texts
      }
      let (a, b) = (try texts(first), try texts(second))
      return Set(a.keys).union(b.keys).sorted().filter { a[$0] != b[$0] }.map {
        DifferenceLine(name: $0, first: a[$0] ?? "", second: b[$0] ?? "")
      }
    }
  }
}

/// A setting or result that two runs do not share, in JSON.
private struct DifferenceLine: Encodable {
  let name, first, second: String
}
