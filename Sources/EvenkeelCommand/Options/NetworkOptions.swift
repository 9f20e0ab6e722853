import ArgumentParser
import Evenkeel

/// Which network: a file, one that ships with the program, or hidden layers in a row.
struct NetworkOptions: ParsableArguments {
  @Option(help: "A network file (YAML), or mlp, lenet, resnet20, resnet32, resnet56 or vgg11; fitted to the data.")
  var network: String?
  @Option(
    help:
      "The units of each hidden layer, instead of --network; 256,256 by default, 128,128 for a small table, 100,100,100 in a sweep.",
    transform: HiddenUnits.init)
  var hidden: HiddenUnits?
  @Option(help: "The activation of the hidden layers; relu by default.")
  var activation: ActivationKind?
  @Option(
    help:
      "The share of each hidden layer's outputs that is dropped at random in training; 0 by default, for a table 0.1, or 0.3 if it is small."
  )
  var dropout: Double?

  /// - Throws: `EvenkeelError` with code `usage` if a network is described twice.
  func requireOneDescription() throws {
    if let dropout, !(0..<1).contains(dropout) {
      throw EvenkeelError(.usage, "--dropout is \(dropout); expected a share of at least 0 and less than 1.")
    }
    guard network != nil, hidden != nil || activation != nil || dropout != nil else { return }
    throw EvenkeelError(
      .usage, "--network describes the hidden layers already; omit --hidden, --activation and --dropout.")
  }

  /// The hidden layers with input and output layer.
  func multilayer(
    input: Int, outputs: Int, defaultUnits: [Int], normalization: NormalizationPlacement = .beforeActivation
  ) -> Network {
    Network.multilayer(
      input: input, hidden: hidden?.units ?? defaultUnits, outputs: outputs,
      activation: activation ?? .relu, normalization: normalization, dropout: dropout ?? 0)
  }

  /// A network file, or a network that ships with the program, fitted to `dataset`.
  /// - Throws: `EvenkeelError` that names the file.
  static func named(_ network: String, for dataset: Dataset? = nil) throws -> Network {
    if Network.presets.contains(network) {
      let preset = try Network(preset: network)
      return try dataset.map { try preset.fitted(to: $0) } ?? preset
    }
    do { return try Network(contentsOf: network) } catch let error as EvenkeelError where error.code == .noInput {
      throw EvenkeelError(
        .noInput, "\(error.message) Nor is it a built-in network (\(Network.presets.joined(separator: ", "))).")
    }
  }
}

/// Numbers of units with commas between them.
struct HiddenUnits {
  let units: [Int]

  /// - Throws: `EvenkeelError` with code `usage` for anything but numbers above 0.
  init(_ text: String) throws {
    units = try text.split(separator: ",", omittingEmptySubsequences: false).map {
      guard let units = Int($0), units > 0 else {
        throw EvenkeelError(.usage, "expected numbers above 0, separated by commas, e.g. 256,256.")
      }
      return units
    }
  }

  var text: String { units.map(String.init).joined(separator: ",") }
}

extension ActivationKind: ExpressibleByArgument {}
