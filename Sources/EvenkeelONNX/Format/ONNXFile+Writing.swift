#if Interchange
  import Evenkeel
  internal import FoundationEssentials
  internal import SwiftProtobuf

  extension ONNXFile {
    /// - Throws: `EvenkeelError` with code `usage` for a model beyond the largest size of a file.
    static func bytes(of model: ONNXModel) throws -> [UInt8] {
      let size = model.graph.constants.reduce(0) { $0 + $1.count * 8 }
      let message = size > greatestSize && size / 2 > greatestSize ? nil : try? ProtoModel(model).serializedData()
      guard let message, message.count <= greatestSize else {
        throw EvenkeelError.usage("The model does not fit into an ONNX file, which has at most 2 GiB.")
      }
      return Array(message)
    }
  }

  extension ProtoModel {
    fileprivate init(_ model: ONNXModel) {
      irVersion = Int64(model.irVersion)
      (producerName, producerVersion, docString) = (model.producer, model.producerVersion, model.summary)
      modelVersion = 1
      opsetImport = model.opsets.map { opset in
        .with { ($0.domain, $0.version) = (opset.domain, Int64(opset.version)) }
      }
      metadataProps = model.metadata.map { entry in .with { ($0.key, $0.value) = (entry.key, entry.value) } }
      graph = .with { graph in
        graph.name = "evenkeel"
        graph.input = model.graph.inputs.map { ProtoValue($0) }
        graph.output = model.graph.outputs.map { ProtoValue($0) }
        graph.node = model.graph.nodes.map { ProtoNode($0) }
        graph.initializer = model.graph.constants.map { ProtoTensor($0) }
      }
    }
  }

  extension ProtoValue {
    fileprivate init(_ value: ONNXValue) {
      name = value.name
      type.tensorType.elemType = Int32(value.element.rawValue)
      type.tensorType.shape.dim = (value.dimensions ?? []).map { extent in
        .with { if let extent { $0.dimValue = Int64(extent) } else { $0.dimParam = "N" } }
      }
    }
  }

  extension ProtoNode {
    fileprivate init(_ node: ONNXNode) {
      (opType, domain, name) = (node.kind, node.domain, node.name)
      (input, output) = (node.inputs, node.outputs)
      attribute = node.attributes.sorted { $0.key < $1.key }.map { ProtoAttribute($0.key, $0.value) }
    }
  }

  extension ProtoAttribute {
    fileprivate init(_ name: String, _ value: ONNXAttribute) {
      self.name = name
      switch value {
      case .float(let number): (type, f) = (.float, number)
      case .integer(let number): (type, i) = (.int, Int64(number))
      case .text(let text): (type, s) = (.string, Data(text.utf8))
      case .floats(let numbers): (type, floats) = (.floats, numbers)
      case .integers(let numbers): (type, ints) = (.ints, numbers.map { Int64($0) })
      case .texts(let texts): (type, strings) = (.strings, texts.map { Data($0.utf8) })
      case .tensor(let tensor): (type, t) = (.tensor, ProtoTensor(tensor))
      case .other: preconditionFailure("\(name): graphs are not written")
      }
    }
  }

  extension ProtoTensor {
    /// - Precondition: Floats, doubles, 64-bit integers or texts.
    fileprivate init(_ tensor: ONNXTensor) {
      name = tensor.name
      dims = tensor.dimensions.map { Int64($0) }
      dataType = Int32(tensor.element.rawValue)
      switch tensor.content {
      case .floats(let values): rawData = values.withUnsafeBytes { Data($0) }
      case .doubles(let values): rawData = values.withUnsafeBytes { Data($0) }
      case .integers(let values): rawData = values.withUnsafeBytes { Data($0) }
      case .texts(let values): stringData = values.map { Data($0.utf8) }
      }
    }
  }
#endif
