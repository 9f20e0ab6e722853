import Evenkeel
import EvenkeelLab
import EvenkeelReference
import EvenkeelTestSupport
import Testing

private func norm(_ values: some Sequence<Double>) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
func dot(_ a: [Float], _ b: [Float]) -> Double { zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) } }

/// ‖a − b‖ / ‖b‖
private func distance(_ actual: [Float], _ expected: [Double]) -> Double {
  norm(zip(actual, expected).map { Double($0) - $1 }) / max(norm(expected), 1e-30)
}

/// Products and gradient agree with the reference to what `Hessian` promises, and with the training engine.
private func expectProductsToAgree(
  _ network: Network, rows: Int, loss: ReferenceLoss = .softmax(smoothing: 0), _ what: String,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let example = try SurfaceCase(network, rows: rows, loss: loss)
  let hessian = try Hessian(of: example.surface)
  let gradient = try example.referenceGradient()
  let off = distance(hessian.gradient, gradient)
  #expect(off < 2e-6, "\(what): the gradient", sourceLocation: sourceLocation)
  let engine = try example.surface.gradient(at: example.surface.point)
  #expect(distance(engine.gradient, gradient) < 2e-6, "\(what): the engine's gradient", sourceLocation: sourceLocation)
  #expect(abs(engine.loss - hessian.loss) < 1e-6 * (1 + engine.loss), "\(what)", sourceLocation: sourceLocation)
  for seed in 2...3 {
    let v = example.direction(seed)
    let off = try distance(hessian.times(v), example.referenceProduct(v))
    #expect(off < 2e-6, "\(what): the product with direction \(seed)", sourceLocation: sourceLocation)
  }
}

@Suite struct HessianTests {
  /// Norms whose second derivatives are not known.
  private static let unknown: Set = ["layerNorm", "groupNorm", "instanceNorm", "rmsNorm"]

  @Test(arguments: LayerCase.all)
  func productsAgreeWithDifferencesOfTheReferencesGradient(layerCase: LayerCase) throws {
    let leaves = try layerCase.network(inputs: 5, units: 4, outputs: 3).placed().layers
    guard leaves.allSatisfy({ !Self.unknown.contains(type(of: $0.layer).kind) }) else {
      let surface = try SurfaceCase(layerCase.network(inputs: 5, units: 4, outputs: 3), rows: 5).surface
      #expect(throws: EvenkeelError.self) { try Hessian(of: surface) }
      return
    }
    for (rows, units) in [(5, 3), (40, 17)] {
      try expectProductsToAgree(
        layerCase.network(inputs: 5, units: units, outputs: 3), rows: rows, "\(rows) rows, \(units) units")
    }
  }

  @Test(arguments: [
    ReferenceLoss.softmax(smoothing: 0), .softmax(smoothing: 0.1), .sigmoid, .squared, .huber(delta: 0.6),
  ])
  func productsAgreeForEveryLoss(loss: ReferenceLoss) throws {
    let network = Network(input: [4]) {
      Dense(9)
      BatchNorm()
      Tanh()
      Dense(3)
    }
    try expectProductsToAgree(network, rows: 30, loss: loss, "\(loss)")
  }

  @Test func productsAgreeForImages() throws {
    try expectProductsToAgree(
      Network(input: [7, 6, 2]) {
        Convolution(4, kernel: 3)
        BatchNorm()
        Softplus()
        MaxPool(2)
        Residual(shortcut: .projection) {
          DepthwiseConvolution(kernel: 3, stride: 2, bias: .present)
          Sigmoid()
          Convolution(6, kernel: 3, groups: 2)
          BatchNorm()
        }
        AveragePool(2, stride: 1)
        Flatten()
        Dense(3)
      }, rows: 6, "an image network")
    try expectProductsToAgree(
      Network(input: [9, 2]) {
        BatchNorm(shift: false)
        Convolution1D(5, kernel: 3, bias: .present)
        MaxPool([1, 3], stride: [1, 2], padding: .same)
        GELU()
        GlobalAveragePool()
        Dense(3)
      }, rows: 8, "a network for sequences")
    try expectProductsToAgree(
      Network(input: [4, 5]) {
        Flatten()
        Dense(8)
        Sigmoid()
        BatchNorm()
        Dense(3)
      }, rows: 8, "an image without channels")
  }

  @Test func productsAgreeForDenseLayersOnPositions() throws {
    try expectProductsToAgree(
      Network(input: [4, 3]) {
        Dense(5, bias: .present)
        BatchNorm()
        Tanh()
        Reshape([20])
        Dense(3)
      }, rows: 9, "positions")
  }

  @Test func embeddingsAndMembersHaveNoHessian() throws {
    for layer: any Layer in [
      PiecewiseLinear(bins: 2, width: 3), Periodic(frequencies: 2, width: 3), Embedding(counts: [2, 2], width: 3),
    ] {
      let surface = try SurfaceCase(Network(input: [2], layers: [layer, Dense(3)]), rows: 5).surface
      expectError(
        "Layer 0 (\(type(of: layer).kind)): its second derivatives are unknown, so there is no Hessian.", code: .usage
      ) { _ = try Hessian(of: surface) }
    }
    let data = try Dataset([1, 2, 3, 4], shape: [2], targets: .classes([0, 1], labels: ["a", "b"]))
    let members = Network(input: [2], layers: [Ensemble(members: 3), MemberDense(2)])
    expectError("An ensemble of 3 members has no loss surface of its own.", code: .usage) {
      _ = try LossSurface(Model(members), examples: data, loss: .softmaxCrossEntropy)
    }
  }

  private let smooth = Network(input: [6]) {
    Dense(12, bias: .present)
    BatchNorm(epsilon: 1e-10)
    Tanh()
    Dense(12)
    BatchNorm(epsilon: 1e-10)
    Sigmoid()
    Dense(4)
  }

  @Test func productsAreSymmetricAndLinear() throws {
    let example = try SurfaceCase(smooth, rows: 50)
    let hessian = try Hessian(of: example.surface)
    let (u, v) = (example.direction(5), example.direction(6))
    let (hu, hv) = (try hessian.times(u), try hessian.times(v))
    let size = (dot(u, u) * dot(hv, hv)).squareRoot()
    #expect(abs(dot(u, hv) - dot(v, hu)) < 1e-6 * size)
    let both = try hessian.times(zip(u, v).map { 2 * $0 - 3 * $1 })
    #expect(distance(both, zip(hu, hv).map { 2 * Double($0) - 3 * Double($1) }) < 1e-5)
    #expect(try hessian.times(Array(repeating: 0, count: v.count)).allSatisfy { $0 == 0 })
  }

  @Test func aBiasBeforeANormIsAFlatDirection() throws {
    let example = try SurfaceCase(smooth, rows: 50)
    let hessian = try Hessian(of: example.surface)
    let bias = example.surface.ranges { name, _ in name == "0.bias" }[0]
    var v = [Float](repeating: 0, count: example.surface.count)
    for index in bias { v[index] = 1 }
    let others = dot(hessian.gradient, hessian.gradient).squareRoot()
    #expect(norm(hessian.gradient[bias].map { Double($0) }) < 1e-6 * others)
    #expect(norm(try hessian.times(v).map { Double($0) }) < 1e-5 * others)
  }

  /// L(aW) = L(W) makes ∇L homogeneous of degree −1 in W: by Euler's theorem ∇L · W = 0 and H (W, 0) = −∇L on W.
  @Test func weightsBeforeANormAreScaleInvariant() throws {
    let example = try SurfaceCase(smooth, rows: 50)
    let hessian = try Hessian(of: example.surface)
    for name in ["0.weight", "3.weight"] {
      let weight = example.surface.ranges { other, _ in other == name }[0]
      var v = [Float](repeating: 0, count: example.surface.count)
      v.replaceSubrange(weight, with: example.surface.point[weight])
      let gradient = hessian.gradient
      let size = (dot(v, v) * dot(gradient, gradient)).squareRoot()
      #expect(abs(dot(v, gradient)) < 1e-6 * size)
      let product = try hessian.times(v)
      #expect(distance(Array(product[weight]), gradient[weight].map { -Double($0) }) < 1e-4, "\(name)")
      // The gradient of the others does not see the scale of W.
      let rest = zip(product.indices, product).filter { !weight.contains($0.0) }.map { Double($0.1) }
      #expect(norm(rest) < 1e-4 * norm(product.map { Double($0) }), "\(name)")
    }
  }

  @Test func nothingIsDrawnOnASurface() throws {
    func surface(_ rate: Double, _ noise: NoiseInjection) throws -> LossSurface {
      try SurfaceCase(
        Network(input: [4]) {
          Dropout(rate)
          Dense(9)
          BatchNorm()
          noise
          Residual {
            Dropout(rate)
            Tanh()
          }
          Dense(3)
        }, rows: 20
      ).surface
    }
    let quiet = NoiseInjection(meanRange: 0, scaleRange: 0, spread: 0)
    let (noisy, plain) = (try surface(0.5, NoiseInjection()), try surface(0, quiet))
    let (one, other) = (try noisy.gradient(at: noisy.point), try plain.gradient(at: plain.point))
    #expect(one.loss == other.loss && one.gradient == other.gradient)
    #expect(try Hessian(of: noisy).times(noisy.point) == Hessian(of: plain).times(plain.point))
  }

  @Test func aLayerWithoutSecondDerivativesIsNamed() throws {
    let model = try Model(
      Network(input: [3]) {
        Dense(4)
        Opaque()
        Dense(2)
      })
    let data = try Dataset(
      [1, 2, 3, 4, 5, 7], shape: [3], targets: .classes([0, 1], labels: ["a", "b"]))
    let surface = try LossSurface(model, examples: data, loss: .softmaxCrossEntropy)
    let error = #expect(throws: EvenkeelError.self) { try Hessian(of: surface) }
    #expect(error?.code == .usage && error?.message.contains("Layer 1 (opaque)") == true)
  }

  @Test func aNormWhoseOptionsAreNotKnownIsNamed() throws {
    for norm in [BatchNorm(ghostBatch: 2), BatchNorm(renormalization: Renormalization())] {
      let example = try SurfaceCase(LayerCase("norm") { _ in norm }.network(inputs: 5, units: 4, outputs: 3), rows: 8)
      _ = try example.surface.gradient(at: example.surface.point)
      let error = #expect(throws: EvenkeelError.self) { try Hessian(of: example.surface) }
      #expect(error?.code == .usage && error?.message.contains("Layer 1 (batchNorm)") == true)
    }
  }

  @Test func aSurfaceLeavesTheModelAlone() throws {
    var numbers = Numbers(3)
    let data = try Dataset(
      numbers.many(60), shape: [6], targets: .classes((0..<10).map { Int32($0 % 4) }, labels: ["a", "b", "c", "d"]))
    var model = try Model(smooth)
    try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 5).fit(&model, to: data, epochs: 2)
    let before = (model.parameters.map(\.values), model.runningStatistics.map(\.statistics))
    let surface = try LossSurface(model, examples: data)
    let start = try surface.loss(at: surface.point)
    _ = try surface.gradient(at: surface.point.map { $0 + 0.25 })
    _ = try Hessian(of: surface).times(surface.point)
    #expect(model.parameters.map(\.values) == before.0)
    #expect(model.runningStatistics.map(\.statistics) == before.1)
    #expect(try surface.loss(at: surface.point) == start)
  }
}

/// Passes values through, and does not say how it curves.
private struct Opaque: Layer, LayerOperation {
  static let kind = "opaque"
  func forward(_ pass: ForwardPass) { pass.output.update(from: pass.input, count: pass.rows * pass.inputLength) }
  func backward(_ pass: BackwardPass) {
    pass.inputGradient?.update(from: pass.outputGradient, count: pass.rows * pass.inputLength)
  }
}
