import Evenkeel

/// y = x above 0 and a x below, with one slope a for each feature that is learned (He et al. 2015).
struct LearnedSlope: Layer, LayerOperation {
  static let kind = "learnedSlope"

  func parameters(for input: Shape) -> [ParameterDescription] {
    [ParameterDescription(name: "weight", shape: [input.featureCount], role: .scale, start: .constant(0.25))]
  }

  func forward(_ pass: ForwardPass) {}

  func backward(_ pass: BackwardPass) {}
}
