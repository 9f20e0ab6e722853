import ArgumentParser
import Evenkeel

extension Precision: ExpressibleByArgument {}

/// What a run computes with.
struct ComputationOptions: ParsableArguments {
  @Option(help: "The precision of the layers' products; bfloat16 needs a processor that has it.")
  var precision = Precision.float32
  @Option(help: "Seed of the initial weights, the order of examples, dropout, augmentation and the split.")
  var seed: UInt64 = 0
  @OptionGroup var threadOption: ThreadOption
  @OptionGroup var ranks: RankOptions
}

/// How many threads compute.
struct ThreadOption: ParsableArguments {
  @Option(help: "The most threads; one per processor by default. Results do not depend on it.") private var threads:
    Int?

  /// nil if the options do not say.
  var given: Int? { threads }
  var count: Int { threads ?? Machine.threads }
}
