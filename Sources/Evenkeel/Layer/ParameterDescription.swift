/// The role of a parameter. Weight decay acts on weights only, by role and never by name.
public enum ParameterRole: String, Codable, Sendable {
  /// A factor of an input: the w of w x. Weight decay acts on it.
  case weight
  /// What is added to a weighted sum.
  case bias
  /// The γ of a norm.
  case scale
  /// The β of a norm.
  case shift
  /// What stands for a number, a category or a member.
  case embedding
}

/// A tensor that a layer learns.
public struct ParameterDescription: Hashable, Sendable {
  /// Its name in the stored file, as PyTorch calls it: `weight`, `bias`.
  public let name: String
  /// Its shape in memory and in the file, which is PyTorch's.
  public let shape: Shape
  /// Its role.
  public let role: ParameterRole
  /// Its initial value.
  public let start: InitialValue

  /// A learned tensor.
  public init(name: String, shape: Shape, role: ParameterRole, start: InitialValue) {
    self.name = name
    self.shape = shape
    self.role = role
    self.start = start
  }
}

/// The values a parameter has before training.
public enum InitialValue: Hashable, Sendable {
  /// Every value is this one.
  case constant(Float)
  /// Normal with mean 0 and this standard deviation.
  case normal(deviation: Double)
  /// 1 or −1, each with probability ½.
  case signs
  /// Normal or uniform by fan-in and fan-out; `automatic` depends on the activation that follows.
  case weights(Initialization, inputs: Int, outputs: Int)
}

/// A tensor that a layer keeps and does not learn: PyTorch's buffers.
public struct BufferDescription: Hashable, Sendable {
  /// Its name in the stored file, as PyTorch calls it: `running_mean`.
  public let name: String
  /// Its shape; a count has none.
  public let shape: Shape
  /// What it holds.
  public let content: Content

  /// What a buffer holds.
  public enum Content: Hashable, Sendable {
    /// Floats with an initial value and a minimum.
    case values(start: Float, minimum: Float)
    /// One 64-bit integer, 0 or more, that starts at 0; `whenMissing` is its value for a file without it.
    case count(whenMissing: Int)
  }

  /// Whether it is a count.
  var isCount: Bool {
    if case .count = content { return true }
    return false
  }

  /// Floats of `shape` that start at `start`.
  /// - Parameters:
  ///   - name: Its name in the stored file.
  ///   - shape: Its shape, in memory and in the file.
  ///   - start: The value of each before training.
  ///   - minimum: A file with stored values below it cannot be read.
  public init(name: String, shape: Shape, start: Float, minimum: Float = -.infinity) {
    self.name = name
    self.shape = shape
    content = .values(start: start, minimum: minimum)
  }

  /// A count.
  /// - Parameters:
  ///   - name: Its name in the stored file.
  ///   - whenMissing: The value for a file without this tensor.
  public init(count name: String, whenMissing: Int = 0) {
    self.name = name
    shape = []
    content = .count(whenMissing: whenMissing)
  }
}
