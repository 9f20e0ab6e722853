import FoundationEssentials

/// The position in a run at which a checkpoint was taken.
private struct StoredPosition: Codable {
  var epoch, batch, step: Int
  var loss, squaredError, correct: Double
  /// nil except for a regression with several targets.
  var targetSums: [Double]?
  /// nil in older files, from before examples had weights.
  var weight: Double?
  var examples: Int
  var settings: RunSettings
  var history: History
  /// The validation loss of the best epoch, or its metric.
  var bestLoss: Double?
  var bestEpoch: Int?
  var averagedCount: Int?
  var epochs: Int?

  var isReasonable: Bool {
    [epoch, batch, step, examples, bestEpoch ?? 0, averagedCount ?? 0].allSatisfy { (0..<1 << 48).contains($0) }
      && [correct, weight ?? 0].allSatisfy { $0.isFinite && $0 >= 0 }
  }
}

extension ModelState {
  /// The tensors under PyTorch's `state_dict` names of the equivalent `nn.Sequential`, with a prefix.
  fileprivate func items(prefix: String = "") -> [Safetensors.Source] {
    var items = layout.entries.map { entry in
      Safetensors.Source(
        key: prefix + entry.name, dtype: "F32", shape: entry.description.shape,
        bytes: UnsafeRawBufferPointer(start: parameters.start + entry.offset, count: entry.count * 4))
    }
    for buffer in layout.buffers {
      let bytes: UnsafeRawBufferPointer
      let isCount = buffer.description.isCount
      if isCount {
        bytes = UnsafeRawBufferPointer(start: bufferCounts + buffer.offset, count: 8)
      } else {
        bytes = UnsafeRawBufferPointer(
          start: bufferValues.start + buffer.offset, count: buffer.description.shape.count * 4)
      }
      items.append(
        Safetensors.Source(
          key: prefix + buffer.name, dtype: isCount ? "I64" : "F32", shape: buffer.description.shape, bytes: bytes))
    }
    return items
  }

  /// Fills the state from `file`; returns the keys that were read.
  /// - Parameter named: The key of a tensor by the name that this program gives it.
  func read(_ file: Safetensors, named: (String) -> String = { $0 }) throws -> Set<String> {
    try write { state in
      var used: Set<String> = []
      for entry in layout.entries {
        let key = named(entry.name)
        used.insert(key)
        let values = try file.floats(key, shape: entry.description.shape)
        (state.parameters.start + entry.offset).update(from: values, count: values.count)
      }
      for buffer in layout.buffers {
        let key = named(buffer.name)
        used.insert(key)
        try state.read(buffer, key, file)
      }
      return used
    }
  }

  private func read(_ buffer: ParameterLayout.Buffer, _ key: String, _ file: Safetensors) throws {
    switch buffer.description.content {
    case .values(_, let minimum):
      let values = try file.floats(key, shape: buffer.description.shape)
      if let position = values.firstIndex(where: { $0 < minimum }) {
        throw EvenkeelError.data(
          "\(file.name): \(key): value \(position) is \(values[position]); expected at least \(minimum).")
      }
      (bufferValues.start + buffer.offset).update(from: values, count: values.count)
    case .count(let whenMissing):
      // Some programs store a count as a list of one.
      let shape = file.header.tensors[key].map { $0.shape == [1] ? [1] : [] as Shape }
      let count = try shape.map { try file.integers(key, shape: $0)[0] } ?? whenMissing
      guard count >= 0 else {
        throw EvenkeelError.data("\(file.name): \(key) is \(count); expected 0 or more.")
      }
      bufferCounts[buffer.offset] = count
    }
  }
}

extension Model {
  /// Writes the model to a safetensors file, whole or not at all.
  ///
  /// Tensors have the names and shapes of the `state_dict` of the equivalent `nn.Sequential`; the network, the scaling and
  /// the labels are JSON under `evenkeel` in the metadata.
  /// - Throws: `EvenkeelError`, and what is at `path` stays as it is: `cannotWrite`, or `data` that says why the file
  ///   could not be read back, such as a parameter that is not finite.
  public func write(to path: String) throws {
    try withExtendedLifetime(state) {
      try StoredDescription.write(state.items(), metadata(), of: self, to: path)
    }
  }

  fileprivate func metadata() throws -> [String: String] {
    let description = StoredDescription(
      network: network, scaling: scaling, encoding: encoding, images: images, output: output, training: training,
      table: table)
    do { return ["format": "pt", "evenkeel": try Safetensors.json(description)] } catch let error as EncodingError {
      guard case .invalidValue(let value, let context) = error else { throw error }
      let place = context.codingPath.map { $0.intValue.map { String($0) } ?? $0.stringValue }.joined(separator: ".")
      throw EvenkeelError.data(
        value is any BinaryFloatingPoint
          ? "The model cannot be stored: \(place) is \(value)."
          : "The model cannot be stored: \(place) nests too deeply.")
    }
  }

  /// Checks before long work whether a file can be written at `path`; changes nothing.
  /// - Throws: `EvenkeelError` with code `cannotWrite`.
  package static func requireWritable(_ path: String) throws { try AtomicFile.requireWritable(path) }

  /// Writes a text file, whole or not at all.
  package static func writeText(_ text: String, to path: String) throws { try AtomicFile.write(text, to: path) }

  /// Writes a text file piece by piece as `body` hands it on, whole or not at all.
  package static func writeText(
    to path: String, _ body: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
  ) throws { try AtomicFile.write(to: path, body) }

  /// Reads a model file.
  /// - Throws: `EvenkeelError`: `noInput` if it is missing, `data` that names a key that is missing, unexpected, of
  ///   another shape or not finite.
  public init(contentsOf path: String) throws {
    let bytes = try FileBytes(path)
    self = try bytes.reading { try Model(Safetensors(bytes)) }
  }

  package init(_ file: Safetensors) throws {
    self = try Model.described(by: file)
    let used = try state.read(file)
    try file.requireNoOther(than: used)
  }

  /// Fills the model with the tensors of a file from another program, such as Python's `safetensors`.
  /// - Throws: As `init(contentsOf:)`.
  public mutating func readParameters(from path: String) throws {
    let bytes = try FileBytes(path)
    state = try bytes.reading {
      let file = try Safetensors(bytes)
      let fresh = try ModelState(state.layout)
      try file.requireNoOther(than: fresh.read(file))
      return fresh
    }
  }

  fileprivate static func described(by file: Safetensors) throws -> Model {
    let (description, layout) = try StoredDescription.read(file.header)
    var model = try Model(description.network, state: try ModelState(layout))
    model.scaling = description.scaling
    model.encoding = description.encoding
    model.images = description.images
    model.output = description.output
    model.training = description.training
    model.table = description.table
    return model
  }
}

extension Safetensors {
  fileprivate func requireNoOther(than used: Set<String>) throws {
    if let extra = header.tensors.keys.sorted().first(where: { !used.contains($0) }) {
      if header.metadata["position"] != nil {
        throw EvenkeelError.data("\(name): it is a training checkpoint, not a model; use it with --resume.")
      }
      throw EvenkeelError.data("\(name): the tensor \"\(extra)\" belongs to no layer.")
    }
  }
}

extension Checkpoint {
  /// Writes the checkpoint, with the model's description, to a safetensors file, whole or not at all.
  /// - Throws: As `Model.write(to:)`.
  public func write(to path: String) throws {
    var metadata = try model.metadata()
    let position = StoredPosition(
      epoch: epoch, batch: batch, step: step, loss: sums.loss, squaredError: sums.squaredError, correct: sums.correct,
      targetSums: targetSums, weight: sums.weight, examples: sums.examples, settings: settings, history: history,
      bestLoss: best?.score, bestEpoch: best?.epoch, averagedCount: averaged.isEmpty ? nil : averagedCount,
      epochs: epochs)
    metadata["position"] = try Safetensors.json(position)
    try first.withUnsafeBytes { first in
      try second.withUnsafeBytes { second in
        var items = state.items()
        if let best { items += best.state.items(prefix: "best.") }
        items.append(.init(key: "optimizer.first", dtype: "F32", shape: [first.count / 4], bytes: first))
        items.append(.init(key: "optimizer.second", dtype: "F32", shape: [second.count / 4], bytes: second))
        try averaged.withUnsafeBytes { averaged in
          if !averaged.isEmpty {
            items.append(.init(key: "averaged", dtype: "F32", shape: [averaged.count / 4], bytes: averaged))
          }
          try StoredDescription.write(items, metadata, of: model, to: path)
        }
      }
    }
  }

  /// Reads a checkpoint.
  /// - Throws: As `Model.init(contentsOf:)`.
  public init(contentsOf path: String) throws {
    let bytes = try FileBytes(path)
    self = try bytes.reading { try Checkpoint(Safetensors(bytes)) }
  }

  /// - Throws: `EvenkeelError` with code `data` for a checkpoint from version 0.1, which stored settings as phrases.
  private static func requireToday(_ file: Safetensors) throws {
    struct Phrases: Decodable { let settings: [String: String] }
    guard let text = file.header.metadata["position"],
      (try? JSONDecoder().decode(Phrases.self, from: Data(text.utf8))) != nil
    else { return }
    throw EvenkeelError.data(
      "\(file.name): it is a checkpoint of an earlier version, which training cannot continue from; start again.")
  }

  package init(_ file: Safetensors) throws {
    let model = try Model.described(by: file)
    try Self.requireToday(file)
    guard let text = file.header.metadata["position"],
      let position = try? JSONDecoder().decode(StoredPosition.self, from: Data(text.utf8)), position.isReasonable,
      let firstShape = file.header.tensors["optimizer.first"]?.shape,
      let secondShape = file.header.tensors["optimizer.second"]?.shape
    else { throw EvenkeelError.data("\(file.name): it is not a checkpoint.") }
    var used = try model.state.read(file)
    var best: Best?
    if let score = position.bestLoss, let epoch = position.bestEpoch {
      let state = try ModelState(model.state.layout)
      used.formUnion(try state.read(file) { "best." + $0 })
      best = Best(score: score, epoch: epoch, state: state)
    }
    let averagedShape = position.averagedCount == nil ? nil : file.header.tensors["averaged"]?.shape
    if averagedShape != nil { used.insert("averaged") }
    try file.requireNoOther(than: used.union(["optimizer.first", "optimizer.second"]))
    var sums = Loss.Sums()
    sums.loss = position.loss
    sums.squaredError = position.squaredError
    sums.correct = position.correct
    sums.examples = position.examples
    sums.weight = position.weight ?? Double(position.examples)
    let outputs = model.output?.targetNames.count ?? 0
    // In older files, errors were not kept per target and had one unit.
    let shared = Array(repeating: position.squaredError / Double(max(outputs, 1)), count: outputs)
    let targetSums = position.targetSums ?? shared + [Double](repeating: 0, count: 2 * outputs)
    guard targetSums.count == 3 * outputs else {
      throw EvenkeelError.data("\(file.name): the stored sums of the targets do not fit \(outputs) of them.")
    }
    self.init(
      model: model, first: try file.floats("optimizer.first", shape: firstShape),
      second: try file.floats("optimizer.second", shape: secondShape),
      averaged: try averagedShape.map { try file.floats("averaged", shape: $0) } ?? [],
      averagedCount: position.averagedCount ?? 0, epoch: position.epoch, batch: position.batch,
      step: position.step, epochs: position.epochs, settings: position.settings, sums: sums,
      targetSums: targetSums, history: position.history, best: best)
  }
}
