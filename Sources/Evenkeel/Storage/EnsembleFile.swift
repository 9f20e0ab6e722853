/// What the file of an ensemble says besides its tensors, as JSON in the metadata.
struct StoredEnsemble: Codable {
  /// The key in the metadata.
  static let key = "evenkeel.members"

  var members: [StoredDescription]
  var output: OutputDescription?

  /// What begins the names of a member's tensors.
  static func prefix(_ member: Int) -> String { "member.\(member)." }

  /// - Throws: `EvenkeelError` with code `data` that names the file, for a description that contradicts itself or the file's tensors.
  static func read(_ header: SafetensorsHeader, _ text: String) throws -> (
    StoredEnsemble, [ParameterLayout]
  ) {
    let stored = try StoredDescription.decode(StoredEnsemble.self, from: text, key: key, of: header.name)
    let layouts = try stored.members.enumerated().map {
      try $1.layout(in: header, prefix: prefix($0))
    }
    return (stored, layouts)
  }
}

extension ModelEnsemble {
  /// Writes the members to one safetensors file, whole or not at all. A single member's file is that of `Model.write`.
  /// - Throws: As `Model.write`.
  public func write(to path: String) throws {
    guard members.count > 1 else { return try members[0].write(to: path) }
    let description = StoredEnsemble(members: members.map(\.description), output: output)
    let metadata = try Model.metadata(description, key: StoredEnsemble.key)
    // Layers may be registered only where the file is read.
    let isKnown = members.allSatisfy {
      $0.state.layout.network.layers.allSatisfy { LayerRegistry.knows($0.layer) }
    }
    try withExtendedLifetime(members) {
      try Safetensors.write(
        members.enumerated().flatMap { $1.state.items(prefix: StoredEnsemble.prefix($0)) },
        metadata: metadata,
        to: path,
        check: isKnown ? { _ = try StoredEnsemble.read($0, metadata[StoredEnsemble.key]!) } : nil)
    }
  }

  /// Reads the file of an ensemble, or of a model, which is then its only member.
  /// - Throws: As `Model.init(contentsOf:)`.
  public init(contentsOf path: String) throws {
    let bytes = try FileBytes(path)
    self = try bytes.reading { try ModelEnsemble(Safetensors(bytes)) }
  }

  private init(_ file: Safetensors) throws {
    guard let text = file.header.metadata[StoredEnsemble.key] else {
      try self.init([Model(file)])
      return
    }
    let (stored, layouts) = try StoredEnsemble.read(file.header, text)
    var used: Set<String> = []
    let members = try zip(stored.members, layouts).enumerated().map { index, member in
      let model = try Model(member.0, member.1)
      used.formUnion(try model.state.read(file) { StoredEnsemble.prefix(index) + $0 })
      return model
    }
    do {
      try self.init(members)
      try stored.output?.validate(width: outputCount)
    } catch let error as EvenkeelError { throw EvenkeelError.data(error.at(file.name).message) }
    output?.threshold = stored.output?.threshold
    try file.requireNoOther(than: used)
  }
}
