import ArgumentParser
import Evenkeel
import EvenkeelLab
import Glibc

extension Lab {
  struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "report", abstract: "Writes a report of what the store holds; runs nothing.")
    @Option(help: "The HTML file.") var output: String
    @Option(help: "A folder that also gets every figure as an SVG file; created if it does not exist.") var figures:
      String?
    @OptionGroup var store: StoreOption

    func run() throws {
      try requireOutput(output)
      try requireApart(output, from: [], store: try store.path())
      let store = try store.existing()
      try store.warnOfUnfitRows()
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
            command: plan.command(data: plan.data.source) + (plan.network == nil ? "" : " --network FILE")))
      }
      let outdated = try store.outdatedClaims()
      if !outdated.isEmpty {
        warn(
          "\(store.path) holds results of older rules, which are left out; lab run makes them again: \(outdated.joined(separator: ", "))."
        )
      }
      guard !reports.isEmpty else {
        throw EvenkeelError(.data, "\(store.path) holds no experiments on claims; run evenkeel lab run first.")
      }
      try Report(on: plans[0].data, reports).write(to: output)
      if let figures { try write(reports, to: figures) }
      try emit("\(reports.count) claims: \(output)")
    }

    /// `trains-faster-1.svg` and so on, each with its own colors.
    private func write(_ reports: [ClaimReport], to folder: String) throws {
      guard mkdir(folder, 0o777) == 0 || errno == EEXIST else {
        throw EvenkeelError(.cannotWrite, "\(folder) cannot be created: \(String(cString: strerror(errno))).")
      }
      for report in reports {
        for (index, figure) in report.figures.enumerated() {
          try Model.writeText(figure.svg(), to: "\(folder)/\(report.name)-\(index + 1).svg")
        }
      }
    }
  }
}
