/// Parameters and statistics that another program stored, such as the `state_dict` of a PyTorch module in a safetensors file.
///
/// Names are those of the equivalent `nn.Sequential`, after what wrappers put before them: `module.` of DataParallel and
/// DistributedDataParallel, `_orig_mod.` of `torch.compile`, and the attribute that holds the layers, if all names begin with it. The names
/// of Keras's batch norm stand for PyTorch's. Floats may be F64, F32, F16 or BF16.
struct ForeignWeights {
  private let file: Safetensors
  /// The keys of the file by the names of the layers.
  private let keys: [String: String]
  /// What keeps the file from being a state of `layout`.
  private let problems: [String]

  private static let wrappers: Set<Substring> = ["module", "_orig_mod"]
  /// Of Keras's batch norm.
  private static let synonyms: [Substring: String] = [
    "gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var",
  ]

  init(_ file: Safetensors, for layout: ParameterLayout) {
    self.file = file
    let floats =
      layout.entries.map { ($0.name, $0.description.shape) }
      + layout.buffers.filter { !$0.description.isCount }.map { ($0.name, $0.description.shape) }
    let counts = layout.buffers.filter { $0.description.isCount }.map(\.name)
    let expected = Set(floats.map(\.0) + counts)
    let names = Self.names(of: file.header.tensors.keys.sorted(), expected: expected)
    var keys: [String: String] = [:]
    var problems: [String] = []
    for (key, name) in names {
      guard expected.contains(name) else { continue }
      if let other = keys.updateValue(key, forKey: name) {
        problems.append("\(other) and \(key) are both \(name)")
      }
    }
    func list(_ found: [String], _ one: String, _ many: String) {
      guard !found.isEmpty else { return }
      problems.append("\(found.count) \(found.count == 1 ? one : many): \(found.joined(separator: ", "))")
    }
    list(
      floats.filter { keys[$0.0] == nil }.map { "\($0.0) \($0.1)" }, "tensor is missing", "tensors are missing")
    list(
      names.filter { !expected.contains($0.name) }.map { "\($0.key) \(file.header.tensors[$0.key]!.shape)" },
      "tensor belongs to no layer", "tensors belong to no layer")
    let others = floats.compactMap { name, shape -> String? in
      guard let key = keys[name], let entry = file.header.tensors[key] else { return nil }
      if entry.shape != shape { return "\(key) (expected \(shape), got \(entry.shape))" }
      return Safetensors.floatTypes.contains(entry.dtype) ? nil : "\(key) (expected floats, got \(entry.dtype))"
    }
    list(others, "tensor is of another shape or type", "tensors are of another shape or type")
    (self.keys, self.problems) = (keys, problems)
  }

  /// Every key with its name in this program.
  private static func names(of keys: [String], expected: Set<String>) -> [(key: String, name: String)] {
    var parts = keys.map { $0.split(separator: ".", omittingEmptySubsequences: false) }
    parts = parts.map { parts in Array(parts.drop { wrappers.contains($0) }) }
    if let first = parts.first?.first, parts.allSatisfy({ $0.count > 2 && $0[0] == first }),
      !expected.contains(where: { $0.hasPrefix(first + ".") })
    {
      parts = parts.map { Array($0.dropFirst()) }
    }
    return zip(keys, parts).map { key, parts in
      let name = parts.joined(separator: ".")
      guard !expected.contains(name), let last = parts.last, let other = synonyms[last] else { return (key, name) }
      return (key, (parts.dropLast().map { String($0) } + [other]).joined(separator: "."))
    }
  }

  /// A state with these values.
  /// - Throws: `EvenkeelError` with code `data` that names every tensor that does not fit, or the first with a value that is not finite.
  func state(of layout: ParameterLayout) throws -> ModelState {
    guard problems.isEmpty else {
      throw EvenkeelError.data("\(file.name) does not fit the network: \(problems.joined(separator: "; ")).")
    }
    let state = try ModelState(layout)
    _ = try state.read(file) { keys[$0] ?? $0 }
    return state
  }
}

extension Model {
  /// A model of `network` with the parameters and statistics that another program stored in a safetensors file, such as the
  /// `state_dict` of a PyTorch module: names and shapes are those of the equivalent `nn.Sequential`, with or without what wrappers put
  /// before them; in Keras's batch norms gamma, beta, moving_mean and moving_variance.
  ///
  /// It takes its inputs as they are and gives its outputs as they are, unless `scaling` or `output` say otherwise, and training it goes on
  /// from there.
  ///
  /// ```swift
  /// let model = try Model(network, importing: "pytorch.safetensors", mean: [0.1307 * 255], deviation: [0.3081 * 255])
  /// ```
  /// - Parameters:
  ///   - network: The layers that the tensors belong to.
  ///   - path: The path of the file.
  ///   - mean: What is subtracted from the inputs of each channel, one number or one for each; 0 if empty.
  ///   - deviation: By what the difference is divided, likewise; 1 if empty.
  ///   - classes: What the outputs are called: the classes of a classifier that ends before its softmax.
  ///   - values: What they are called otherwise: values that the model predicts.
  /// - Throws: `EvenkeelError`: `noInput` if the file is missing, `data` that names all tensors that are missing, unexpected, or of another
  ///   shape or type, `usage` for a model of this program, or numbers or names that do not fit the network.
  public init(
    _ network: Network, importing path: String, mean: [Double] = [], deviation: [Double] = [], classes: [String] = [],
    values: [String] = []
  ) throws {
    let bytes = try FileBytes(path)
    let layout = try ParameterLayout(network)
    let state = try bytes.reading {
      // torch.save writes a ZIP archive, or a pickle in old versions.
      guard !bytes.bytes.starts(with: [0x50, 0x4b, 3, 4]), bytes.bytes.first != 0x80 else {
        throw EvenkeelError.data(
          "\(path): it is a file of torch.save; write one by safetensors.torch.save_file(model.state_dict(), 'FILE').")
      }
      let file = try Safetensors(bytes)
      guard file.header.metadata["evenkeel"] == nil else {
        throw EvenkeelError.usage("\(path): it is a model of this program already; use it as it is.")
      }
      return try ForeignWeights(file, for: layout).state(of: layout)
    }
    try self.init(network, state: state)
    scaling = try InputScaling(mean: mean, deviation: deviation, for: network.input)
    output = try OutputDescription(classes: classes, values: values, width: layout.output.count)
  }
}

extension InputScaling {
  /// The scaling of inputs that another program standardizes so, or takes as they are.
  fileprivate init(mean: [Double], deviation: [Double], for input: Shape) throws {
    let count = max(mean.count, deviation.count, 1)
    func filled(_ numbers: [Double], _ name: String, _ neutral: Double) throws -> [Double] {
      guard numbers.count < 2 || numbers.count == count, input.count % count == 0 else {
        throw EvenkeelError.usage(
          "The \(name) has \(numbers.count) numbers for an input of \(input); expected one, or one for each channel.")
      }
      return numbers.count == count ? numbers : Array(repeating: numbers.first ?? neutral, count: count)
    }
    let (means, deviations) = (try filled(mean, "mean", 0), try filled(deviation, "deviation", 1))
    guard (means + deviations).allSatisfy(\.isFinite), deviations.allSatisfy({ $0 > 0 }) else {
      throw EvenkeelError.usage("Means and deviations of inputs must be finite, deviations above 0.")
    }
    self.init(mean: means, deviation: deviations, remainder: Array(repeating: 0, count: count))
  }
}
