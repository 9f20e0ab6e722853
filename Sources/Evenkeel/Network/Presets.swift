extension Network {
  /// The network files that ship with the package, by name.
  private static let files: [(name: String, bytes: [UInt8])] = [
    ("mlp", PackageResources.mlp_yaml), ("lenet", PackageResources.lenet_yaml),
    ("resnet20", PackageResources.resnet20_yaml), ("resnet32", PackageResources.resnet32_yaml),
    ("resnet56", PackageResources.resnet56_yaml), ("vgg11", PackageResources.vgg11_yaml),
  ]

  /// The names of the networks that ship with the package: `mlp`, `lenet`, `resnet20`, `resnet32`, `resnet56`, `vgg11`.
  public static var presets: [String] { files.map(\.name) }

  /// A network that ships with the package.
  /// - Throws: `EvenkeelError` with code `usage` that lists the names if `name` is not one of them.
  public init(preset name: String) throws {
    guard let file = Self.files.first(where: { $0.name == name }) else {
      throw EvenkeelError.usage("\"\(name)\" is not a preset; expected one of \(Self.presets.joined(separator: ", ")).")
    }
    try self.init(text: String(decoding: file.bytes, as: UTF8.self), name: name)
  }

  /// The same layers for other data: the input takes `dataset`'s examples, and a final `Dense` has one output per class
  /// or target. Images without channels get one if the network takes images, and are flattened if it takes rows.
  /// - Throws: `EvenkeelError` with code `usage` that names the layer that does not fit.
  public func fitted(to dataset: Dataset) throws -> Network {
    var shape = dataset.shape
    if input.rank == 1 { shape = [shape.count] } else if input.rank == 3, shape.rank == 2 { shape.dimensions.append(1) }
    var layers = Array(layers)
    if var last = layers.last as? Dense {
      last.units = dataset.outputCount
      layers[layers.count - 1] = last
    }
    let network = Network(input: shape, layers: layers)
    _ = try network.outputShape()
    return network
  }
}
