import Yams

extension Network {
  /// Reads a network file: YAML with the keys `input` and `layers`.
  /// - Throws: `EvenkeelError`: `noInput` if it is missing, `usage` that names the layer or key that is wrong.
  public init(contentsOf path: String) throws {
    try self.init(text: String(decoding: try FileBytes(path).copy, as: UTF8.self), name: path)
  }

  /// - Parameter path: What errors call the text.
  package init(text: String, name path: String) throws {
    let root: Node
    do {
      guard let node = try Yams.compose(yaml: text) else {
        throw EvenkeelError.usage("\(path): it is empty; expected the keys input and layers.")
      }
      root = node
    } catch let error as YamlError {
      let first = "\(error)".split(whereSeparator: \.isNewline).first ?? "it cannot be read"
      throw EvenkeelError.usage("\(path): it is not YAML: \(first.hasSuffix(".") ? first.dropLast() : first[...]).")
    }
    do {
      var nodes = 0
      try root.count(into: &nodes)
      try Network.requireNoOtherKeys(root)
      self = try YAMLDecoder().decode(Network.self, from: root)
      _ = try outputShape()
    } catch let error as EvenkeelError {
      throw error.placed(in: path, root)
    } catch let error as DecodingError {
      // Yams wraps what a layer threw.
      if case .dataCorrupted(let context) = error, let cause = context.underlyingError as? EvenkeelError {
        throw cause.placed(in: path, root)
      }
      throw EvenkeelError.usage("\(path)\(root.line(of: error.path)): \(error.sentence)")
    }
  }

  private static func requireNoOtherKeys(_ root: Node) throws {
    guard let mapping = root.mapping else {
      throw EvenkeelError.usage("expected the keys input and layers.")
    }
    for key in mapping.keys.compactMap(\.string) where !["input", "layers"].contains(key) {
      throw EvenkeelError.usage("\"\(key)\" is not a key of a network; expected input and layers.")
    }
  }
}

extension EvenkeelError {
  /// The same error, with file and line before the message.
  fileprivate func placed(in file: String, _ root: Node) -> EvenkeelError {
    // A block is the value of its layer's kind, or of the key `block` there.
    let parts = layer?.split(separator: ".").map { String($0) } ?? []
    let keys = ["layers"] + parts.flatMap { $0 == "block" ? [Residual.kind, $0] : [$0] }
    return EvenkeelError(code, "\(file)\(layer == nil ? "" : root.line(of: keys)): \(message)", layer: layer)
  }
}

extension Node {
  /// Counts the nodes of the file with aliases expanded: they can multiply tenfold per level.
  fileprivate func count(into nodes: inout Int) throws {
    nodes += 1
    guard nodes < 100_000 else { throw EvenkeelError.usage("it describes more than 100,000 things.") }
    if let sequence { for node in sequence { try node.count(into: &nodes) } }
    if let mapping { for (_, node) in mapping { try node.count(into: &nodes) } }
  }

  /// ", line n" of the value at `keys` (numbers are positions in a list); keys that do not exist are skipped.
  fileprivate func line(of keys: [String]) -> String {
    var node = self
    for key in keys {
      let next =
        if let items = node.sequence { Int(key).flatMap { items.indices.contains($0) ? items[$0] : nil } } else {
          node[key]
        }
      guard let next else { continue }
      node = next
    }
    return node.mark.map { ", line \($0.line)" } ?? ""
  }
}

extension DecodingError {
  private var context: Context {
    switch self {
    case .keyNotFound(_, let context), .typeMismatch(_, let context), .valueNotFound(_, let context),
      .dataCorrupted(let context):
      context
    @unknown default: Context(codingPath: [], debugDescription: "it cannot be read")
    }
  }

  fileprivate var path: [String] { context.codingPath.map { $0.intValue.map { String($0) } ?? $0.stringValue } }

  /// What is wrong and where, for a person.
  package var sentence: String {
    let what =
      switch self {
      case .keyNotFound(let key, _): "the key \"\(key.stringValue)\" is missing"
      case .typeMismatch(let type, _): "expected \(Self.name(of: type))"
      case .valueNotFound(let type, _): "expected \(Self.name(of: type)), got nothing"
      default: context.debugDescription
      }
    return (path.isEmpty ? "" : path.joined(separator: ".") + ": ") + what + "."
  }

  private static func name(of type: any Any.Type) -> String {
    switch type {
    case is Int.Type: "a whole number"
    case is Double.Type, is Float.Type: "a number"
    case is Bool.Type: "true or false"
    case is String.Type: "a text"
    default: String(describing: type).hasPrefix("Array") ? "a list" : "keys with values"
    }
  }
}
