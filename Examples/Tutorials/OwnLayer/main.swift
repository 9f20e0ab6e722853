import Evenkeel
import EvenkeelLab

/// y = x above 0 and a x below, with one slope a for each feature that is learned (He et al. 2015).
struct LearnedSlope: Layer, LayerOperation {
  static let kind = "learnedSlope"

  func parameters(for input: Shape) -> [ParameterDescription] {
    [ParameterDescription(name: "weight", shape: [input.featureCount], role: .scale, start: .constant(0.25))]
  }

  func forward(_ pass: ForwardPass) {
    let (features, a) = (pass.inputLength, pass.parameter(0))
    for i in 0..<pass.rows * features {
      let x = pass.input[i]
      pass.output[i] = x > 0 ? x : a[i % features] * x
    }
  }

  func backward(_ pass: BackwardPass) {
    let (features, a, dy) = (pass.inputLength, pass.parameter(0), pass.outputGradient)
    for c in 0..<features { pass.parameterGradient(0)[c] = 0 }
    for i in 0..<pass.rows * features where pass.input[i] <= 0 {
      pass.parameterGradient(0)[i % features] += dy[i] * pass.input[i]
    }
    guard let dx = pass.inputGradient else { return }
    for i in 0..<pass.rows * features {
      dx[i] = pass.input[i] > 0 ? dy[i] : a[i % features] * dy[i]
    }
  }
}

LayerRegistry.register(LearnedSlope.self)
let digits = try Dataset.digits(training: 2_000, test: 500)
var model = try Model(
  Network(input: [784]) {
    Dense(64)
    BatchNorm()
    LearnedSlope()
    Dense(10)
  }, seed: 1)
let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 100)
try trainer.fit(&model, to: digits.training, epochs: 8)
print("test accuracy \(try model.evaluate(digits.test).accuracy!)")

try model.write(to: "own.safetensors")
print("read back: \(try Model(contentsOf: "own.safetensors").evaluate(digits.test) == model.evaluate(digits.test))")

let surface = try LossSurface(model, examples: digits.training.subset(0..<100))
let (_, gradient) = try surface.gradient(at: surface.point)
let slopes = surface.ranges { name, _ in name.hasPrefix("2.") }[0]
let step: Float = 1e-2
var (ahead, behind) = (surface.point, surface.point)
for index in slopes { (ahead[index], behind[index]) = (ahead[index] + step, behind[index] - step) }
let difference = try (surface.loss(at: ahead) - surface.loss(at: behind)) / Double(2 * step)
let derivative = slopes.reduce(0.0) { $0 + Double(gradient[$1]) }
print("derivative \(derivative), difference \(difference)")
