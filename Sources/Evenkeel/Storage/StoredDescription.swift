import FoundationEssentials
import Synchronization

/// What a model file says besides its tensors, as JSON in the metadata.
struct StoredDescription: Codable {
  var network: Network
  var scaling: InputScaling?
  var encoding: TableEncoding?
  var images: ImageInput?
  var output: OutputDescription?
  var training: TrainingSummary?
  var table: TrainingTable?

  /// Checks that the parts fit each other.
  /// - Throws: `EvenkeelError` that says which one does not.
  func validate(width: Int) throws {
    let inputs = network.input.count
    if let scaling, inputs % scaling.mean.count != 0 {
      throw EvenkeelError.data("the input scaling has \(scaling.mean.count) channels for \(network.input).")
    }
    if let encoding {
      guard encoding.featureNames.count == inputs else {
        throw EvenkeelError.data("the table's \(encoding.featureNames.count) features do not fit \(network.input).")
      }
      guard Set(encoding.classLabels).count == encoding.classLabels.count else {
        throw EvenkeelError.data("a class of the table appears twice.")
      }
    }
    if let images, !images.isValid(for: inputs) {
      throw EvenkeelError.data("the stored size of images does not fit \(network.input).")
    }
    try output?.validate(width: width)
    if let training, training.batchSize < 1 || !(training.weightDecay >= 0 && training.weightDecay.isFinite) {
      throw EvenkeelError.data("the stored settings of the training are out of range.")
    }
  }
}

extension StoredDescription {
  /// The greatest nesting that Foundation's decoder accepts; a network's limit is below that.
  private static let greatestDepth = 500

  /// The description that was last found readable: training stores the same one after every epoch.
  private static let known = Mutex("")

  /// Writes a file of `model` that can be read back, or none.
  static func write(
    _ items: [Safetensors.Source], _ metadata: [String: String], of model: Model, to path: String
  ) throws {
    let text = metadata["evenkeel"] ?? ""
    // Layers may be registered only where the file is read.
    let isKnown =
      known.withLock { $0 == text } || !model.state.layout.network.layers.allSatisfy { LayerRegistry.knows($0.layer) }
    try Safetensors.write(items, metadata: metadata, to: path, check: isKnown ? nil : { _ = try read($0) })
    if !isKnown { known.withLock { $0 = text } }
  }

  /// - Throws: `EvenkeelError` with code `data` that names the file, for a description that contradicts itself or the
  ///   file's tensors.
  static func read(_ header: SafetensorsHeader) throws -> (StoredDescription, ParameterLayout) {
    guard let text = header.metadata["evenkeel"] else {
      if header.metadata[StoredEnsemble.key] != nil {
        throw EvenkeelError.data(
          "\(header.name): it holds models whose predictions are averaged, as train --folds makes them, not one model; predict, evaluate and inspect take it."
        )
      }
      throw EvenkeelError.data(
        "\(header.name): the metadata has no key \"evenkeel\"; it is not a model of this program.")
    }
    let description = try decode(StoredDescription.self, from: text, key: "evenkeel", of: header.name)
    return (description, try description.layout(in: header))
  }

  /// - Throws: `EvenkeelError` with code `data` that names the file, for text that nests too deeply or is damaged.
  static func decode<Value: Decodable>(
    _ type: Value.Type, from text: String, key: String, of file: String
  ) throws -> Value {
    guard jsonDepth(text.utf8) <= greatestDepth else {
      throw EvenkeelError.data("\(file): the description under \"\(key)\" nests too deeply.")
    }
    do { return try JSONDecoder().decode(type, from: Data(text.utf8)) } catch let error
      as EvenkeelError
    {
      throw EvenkeelError.data(error.at(file).message)
    } catch {
      throw EvenkeelError.data("\(file): the description under \"\(key)\" is damaged.")
    }
  }

  /// The layout of its network, of which the file has every tensor under names that begin with `prefix`.
  /// - Throws: As `read`.
  func layout(in header: SafetensorsHeader, prefix: String = "") throws -> ParameterLayout {
    do {
      let layout = try ParameterLayout(network)
      // Before memory is taken for it: the file must hold what the description mentions.
      for entry in layout.entries {
        try header.entry(prefix + entry.name, shape: entry.description.shape)
      }
      for buffer in layout.buffers where !buffer.description.isCount {
        try header.entry(prefix + buffer.name, shape: buffer.description.shape)
      }
      try validate(width: layout.network.outputCount)
      return layout
    } catch let error as EvenkeelError {
      throw EvenkeelError.data(error.at(header.name).message)
    }
  }
}
