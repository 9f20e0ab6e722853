import Evenkeel
import EvenkeelLab
import EvenkeelReference
import Testing

@Test func productsOfTheHessianAreFiniteWhereAUnitIsConstant() throws {
  let model = try constantFeatureModel(BatchNorm(epsilon: 0))
  let surface = try LossSurface(model, examples: try constantFeatureExamples(32), loss: .softmaxCrossEntropy)
  let hessian = try Hessian(of: surface)
  let engine = try surface.gradient(at: surface.point)
  #expect(zip(hessian.gradient, engine.gradient).allSatisfy { abs($0 - $1) <= 1e-6 })
  let product = try hessian.times([Float](repeating: 1, count: surface.count))
  #expect(product.allSatisfy { $0.isFinite })
}
