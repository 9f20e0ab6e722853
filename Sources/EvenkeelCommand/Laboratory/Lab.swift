import ArgumentParser
import Evenkeel
import EvenkeelLab
import FoundationEssentials
import Glibc

struct Lab: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tests what people say of batch normalization, each claim as an experiment on your data.",
    subcommands: [List.self, Run.self, ReportCommand.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Lists the claims.")
    @Flag(help: "One JSON object a line, with the rules of the verdicts.") var json = false

    func run() throws {
      for claim in Claims.all {
        if json {
          try emit(
            jsonObject([
              ("name", jsonText(claim.name)), ("title", jsonText(claim.title)), ("question", jsonText(claim.question)),
              ("rule", jsonText(claim.rule.sentence)),
            ]))
        } else {
          try emit(claim.name + String(repeating: " ", count: max(1, 23 - claim.name.count)) + claim.title)
        }
      }
    }
  }

  struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Runs the experiments of claims and says what they found.",
      discussion: "Killed at any moment, the same command goes on where it stopped.")
    @Argument(help: "Claims by name (lab list), or all.") var claims: [String]
    @Option(help: "digits (drawn by the program), or data as for train.") var data = "digits"
    @Option(
      help:
        "A network file with norms, or one that ships with the program, for the claims that can use it; batch norms take the places of its norms."
    )
    var network: String?
    @Option(
      help:
        "The time that all may take, as 10m or 1h30m. Sizes follow from it and from the measured speed; when it is over no trial is begun any more, and the same command goes on."
    ) var budget = "10m"
    @Option(help: "The size of each experiment, 0 to 12, in place of a budget: the same trials on every machine.")
    var size: Int?
    @Option(help: "Seeds that each contender is measured with; fewer than five decide nothing.") var seeds = 5
    @Option(help: "A report, an HTML file.") var report: String?
    @OptionGroup var options: LaboratoryOptions

    func run() throws {
      StopSignals.watch()
      let claims = try Claims.named(claims)
      guard (1...Plan.mostSeeds).contains(seeds) else {
        throw EvenkeelError(.usage, "--seeds is \(seeds); expected 1 to \(Plan.mostSeeds).")
      }
      if let size, !Plan.sizes.indices.contains(size) {
        throw EvenkeelError(.usage, "--size is \(size); expected 0 to \(Plan.sizes.count - 1).")
      }
      if seeds < Rule.leastSeeds, !options.quiet {
        complain("warning: with \(seeds) seeds every verdict is undecided; \(Rule.leastSeeds) or more decide.")
      }
      try options.check()
      let seconds = try Planner.budget(budget)
      try requireOutput(report)
      try requireApart(report, from: [data, network], store: options.store)
      let data = try options.data(data)
      let network = try network.map { try named($0, for: data.training).compared(by: .batch) }
      for claim in claims {
        let least = Plan(claim: claim.name, data: data.description, network: network, seeds: seeds, size: 0)
        try data.requireFit(claim.trials(least, .assumed))
      }
      let store = try RunStore(options.store)
      try warnOfUnfitRows(in: store)
      let runner = options.runner(store, data)
      let speed = try Speed(measuredOn: data)
      let plans = try plans(claims, network, seconds, speed, runner)
      var progress = TrialProgress(enabled: !options.quiet)
      StopSignals.trainingStarts()
      let evidence = try LaboratoryRun(runner: runner, claims: claims, plans: plans, speed: speed)
        .run(seconds: size == nil ? seconds : .infinity, shouldStop: { StopSignals.haveCome }) {
          progress.show("lab", $0.done, $0.total, $0.secondsLeft)
        }
      progress.clear()
      let reports = try zip(claims, plans).map { try $0.judge($1, evidence, command: command($0, $1)) }
      var unfinished: [String] = []
      for (index, report) in reports.enumerated() {
        if try claims[index].isDone(plans[index], evidence) {
          try emit(options.json ? object(report) : text(report))
        } else {
          unfinished.append(report.name)
        }
      }
      if let report { try page(reports, data.description).write(to: report) }
      guard unfinished.isEmpty else {
        throw EvenkeelError(
          .interrupted,
          "The budget of \(budget) is used up and not finished: \(unfinished.joined(separator: ", ")). The same command goes on."
        )
      }
    }

    /// Those of the same request before, or new ones.
    private func plans(
      _ claims: [any Claim], _ network: Network?, _ seconds: Double, _ speed: Speed, _ runner: TrialRunner
    ) throws -> [Plan] {
      let description = runner.data.description
      if let size {
        let plans = claims.map { Plan(claim: $0.name, data: description, network: network, seeds: seeds, size: size) }
        try runner.store.keep(
          plans, for: "size \(size) \(description.fingerprint) \(network?.hashText ?? "-") \(seeds)")
        return plans
      }
      let request =
        "\(claims.map(\.name).joined(separator: " ")) \(description.fingerprint) \(network?.hashText ?? "-") \(seconds) \(seeds) \(runner.threads) \(Laboratory.rulesVersion)"
      if let before = try runner.store.plans(for: request, claims: claims.map(\.name)) { return before }
      let plans = try Planner(speed: speed, threads: runner.threads).plans(
        claims, budget: seconds, data: description, network: network, seeds: seeds)
      try runner.store.keep(plans, for: request)
      return plans
    }

    private func command(_ claim: any Claim, _ plan: Plan) -> String {
      var words = [commandText(claim, plan, data: data)]
      if let network { words += ["--network", network] }
      if let target = options.target { words += ["--target", target] }
      return words.joined(separator: " ")
    }
  }

  struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "report", abstract: "Writes a report of what the store holds, without running anything.")
    @Option(help: "The HTML file.") var output: String
    @Option(help: "A folder for each figure as an SVG file too; made where there is none.") var figures: String?
    @Option(help: "The file that keeps the runs.") var store = "evenkeel.sqlite"

    func run() throws {
      try requireOutput(output)
      try requireName(store)
      try requireApart(output, from: [], store: store)
      let store = try existing(store)
      try warnOfUnfitRows(in: store)
      let plans = try store.latestPlans()
      var reports: [ClaimReport] = []
      for claim in Claims.all {
        guard let plan = plans.first(where: { $0.claim == claim.name }) else { continue }
        var evidence = Evidence()
        while true {
          let missing = try claim.trials(plan, evidence).filter { evidence[$0] == nil }
          let found = try store.results(of: missing)
          if found.isEmpty { break }
          evidence.add(found)
        }
        reports.append(
          try claim.judge(
            plan, evidence,
            command: commandText(claim, plan, data: plan.data.source)
              + (plan.network == nil ? "" : " --network FILE")))
      }
      let outdated = try store.outdatedClaims()
      if !outdated.isEmpty {
        complain(
          "warning: \(store.path) holds results of older rules, which are left out; lab run makes them again: \(outdated.joined(separator: ", "))."
        )
      }
      guard !reports.isEmpty else {
        throw EvenkeelError(.data, "\(store.path) holds no experiments on claims; lab run makes them.")
      }
      try page(reports, plans[0].data).write(to: output)
      if let figures { try write(reports, to: figures) }
      try emit("\(reports.count) claims: \(output)")
    }

    /// `trains-faster-1.svg` and so on, each with its own colors.
    private func write(_ reports: [ClaimReport], to folder: String) throws {
      guard mkdir(folder, 0o777) == 0 || errno == EEXIST else {
        throw EvenkeelError(.cannotWrite, "\(folder) cannot be made: \(String(cString: strerror(errno))).")
      }
      for report in reports {
        for (index, figure) in report.figures.enumerated() {
          try Model.writeText(figure.svg(), to: "\(folder)/\(report.name)-\(index + 1).svg")
        }
      }
    }
  }
}

extension Network {
  /// Tells networks apart in a request.
  fileprivate var hashText: String { "\(summary) \((try? leaves())?.map { "\($0.layer)" } ?? [])" }
}

func page(_ reports: [ClaimReport], _ data: DataDescription) -> Report {
  Report(
    title: "What batch normalization did", date: today(),
    data:
      "\(data.source): \(data.trainingCount) training, \(data.validationCount) validation and \(data.testCount) test examples",
    machine: Machine.summary, version: "Evenkeel \(Release.version), rules \(Laboratory.rulesVersion)",
    claims: reports)
}

/// What asks for a claim's trials again, on any machine.
private func commandText(_ claim: any Claim, _ plan: Plan, data: String) -> String {
  "evenkeel lab run \(claim.name) --data \(data) --size \(plan.size) --seeds \(plan.seeds)"
}

/// Today's date in words.
private func today() -> String {
  var now = time(nil)
  var parts = tm()
  localtime_r(&now, &parts)
  let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
  ]
  return "\(parts.tm_mday) \(months[Int(parts.tm_mon)]) \(parts.tm_year + 1900)"
}

private func words(_ verdict: Verdict) -> String {
  switch verdict {
  case .supported: "supported"
  case .notSupported: "not supported"
  case .undecided: "undecided"
  }
}

private func text(_ report: ClaimReport) -> String {
  let name = report.name + String(repeating: " ", count: max(1, 23 - report.name.count))
  let verdict = words(report.verdict)
  let effect =
    report.effect.map { "\(fixed($0.value, 2)) [\(fixed($0.low, 2)), \(fixed($0.high, 2))] \($0.name)" }
    ?? "no effect could be computed"
  return name + verdict + String(repeating: " ", count: max(1, 15 - verdict.count)) + effect
}

private func object(_ report: ClaimReport) -> String {
  jsonObject([
    ("claim", jsonText(report.name)), ("verdict", jsonText(report.verdict.rawValue)),
    ("effect", report.effect.map { jsonText($0.name) }), ("value", jsonNumber(report.effect?.value)),
    ("low", jsonNumber(report.effect?.low)), ("high", jsonNumber(report.effect?.high)), ("seeds", "\(report.seeds)"),
    ("trials", "\(report.trials)"), ("diverged", "\(report.divergedTrials)"), ("rule", jsonText(report.rule)),
    ("command", jsonText(report.command)),
  ])
}
