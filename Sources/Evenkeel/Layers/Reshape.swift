/// Gives an example another shape; the values stay in order: `[16, 128]` becomes `[2048]`.
public struct Reshape: Layer, LayerOperation {
  public static let kind = "reshape"
  /// The shape of the output.
  public var shape: Shape
  /// A layer that gives `shape`, which has as many values as the input.
  public init(_ shape: Shape) { self.shape = shape }

  public func outputShape(for input: Shape) throws -> Shape {
    guard shape.rank > 0, shape.dimensions.allSatisfy({ $0 > 0 }), Shape.checkedCount(shape.dimensions) == input.count
    else {
      throw EvenkeelError.usage("reshape: shape is \(shape); expected \(input.count) values, as many as \(input) has.")
    }
    return shape
  }

  public var traits: LayerTraits { [.passesThrough, .reshapes] }

  private enum CodingKeys: String, CodingKey { case shape }
  public init(from decoder: any Decoder) throws {
    if let shape = try? decoder.singleValueContainer().decode(Shape.self) {
      self.init(shape)
    } else {
      self.init(try decoder.container(keyedBy: CodingKeys.self).decode(Shape.self, forKey: .shape))
    }
  }

  public var backwardReads: BackwardReads { [] }
  public var worksInPlace: Bool { true }
  public var passesGradient: Bool { true }
  public var takesSlices: Bool { true }

  public func forward(_ pass: ForwardPass) {
    if UnsafePointer(pass.output) != pass.input {
      pass.output.update(from: pass.input, count: pass.rows * pass.inputLength)
    }
  }

  public func backward(_ pass: BackwardPass) {}
}
