import ArgumentParser
import EvenkeelLab

struct Lab: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tests common claims about batch normalization, each as an experiment on your data.",
    subcommands: [List.self, Run.self, ReportCommand.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Lists the claims.")
    @Flag(help: "Print one JSON object per line, with the rule of each verdict.") var json = false

    func run() throws {
      for claim in Claims.all {
        if json { try emitJSON(ClaimLine(claim)) } else { try emit(claim.name.padded(to: 23) + claim.title) }
      }
    }
  }
}

private struct ClaimLine: Encodable {
  let name, title, question, rule: String

  init(_ claim: any Claim) {
    (name, title, question, rule) = (claim.name, claim.title, claim.question, claim.rule.sentence)
  }
}
