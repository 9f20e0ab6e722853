import Evenkeel
import EvenkeelLab
import EvenkeelReference
import EvenkeelTestSupport
import Testing

/// The surface of a linear regression y = w x with squared error: L is quadratic, H = 2/m Xᵀ X. The examples are ± sizeₖ
/// along axis k, and an image's values have one scale in common, so that H is diagonal with λₖ = 2 n sizeₖ² / Σ size².
private func regression(_ sizes: [Double]) throws -> (surface: LossSurface, eigenvalues: [Double]) {
  let n = sizes.count
  var values: [Float] = []
  for sign in [1.0, -1.0] {
    for axis in 0..<n { values += (0..<n).map { $0 == axis ? Float(sign * sizes[axis]) : 0 } }
  }
  let targets = (0..<2 * n).map { Double($0 * $0 % 5) }
  let data = try Dataset(values, shape: [1, n], targets: .values(targets, names: ["y"]))
  let model = try Model(
    Network(input: [1, n]) {
      Flatten()
      Dense(1, bias: .absent)
    })
  let total = sizes.reduce(0) { $0 + $1 * $1 }
  return (
    try LossSurface(model, examples: data, loss: .meanSquaredError),
    sizes.map { 2 * Double(n) * $0 * $0 / total }
  )
}

@Suite struct LandscapeTests {
  /// The operator's spectrum is known: a diagonal turned by Householder's reflection.
  @Test func lanczosFindsBothEndsOfAKnownSpectrum() throws {
    let n = 400
    let diagonal: [Double] = (0..<n).map { index -> Double in
      switch index {
      case 0: -3
      case n - 2: 40
      case n - 1: 50
      default: Double(index) / Double(n)
      }
    }
    var numbers = Numbers(1)
    let axis = numbers.many(n).map { Double($0) }
    let square = axis.reduce(0) { $0 + $1 * $1 }
    func reflected(_ v: [Double]) -> [Double] {
      let share = 2 * zip(v, axis).reduce(0) { $0 + $1.0 * $1.1 } / square
      return zip(v, axis).map { $0 - share * $1 }
    }
    let spectrum = try Spectrum(
      start: numbers.many(n), dimension: n, leading: 2, trailing: 1, maximumSteps: 60, tolerance: 1e-5
    ) { v in reflected(zip(diagonal, reflected(v.map { Double($0) })).map { $0 * $1 }).map { Float($0) } }
    #expect(spectrum.hasConverged && spectrum.steps < 60)
    #expect(abs(spectrum.largest[0].value - 50) < 1e-3)
    #expect(abs(spectrum.largest[1].value - 40) < 1e-3)
    #expect(abs(spectrum.smallest[0].value + 3) < 1e-3)
    #expect(abs(spectrum.leadingRatio - 1.25) < 1e-4)
    var expected = [Double](repeating: 0, count: n)
    expected[n - 1] = 1
    let cosine = dot(spectrum.largest[0].vector, reflected(expected).map { Float($0) })
    #expect(abs(abs(cosine) - 1) < 1e-5)
    #expect(spectrum.largest.allSatisfy { $0.residual < 1e-5 * 50 })
    #expect(abs(spectrum.density.reduce(0) { $0 + $1.weight } - 1) < 1e-9)
    // 90 % of the magnitudes lie below 0.9.
    #expect(abs(spectrum.condition(quantile: 0.9) / (50 / 0.9) - 1) < 0.25)
  }

  @Test func lanczosOfASmallSpaceFindsEveryEigenvalue() throws {
    let diagonal: [Float] = [5, 5, 2, -1]
    let spectrum = try Spectrum(start: [1, 1, 1, 1], dimension: 4, leading: 2, trailing: 1) { v in
      zip(diagonal, v).map { $0 * $1 }
    }
    // One copy of a double eigenvalue lies in the space of one start.
    #expect(spectrum.steps == 3 && spectrum.hasConverged)
    for (found, expected) in zip(spectrum.density.map(\.value), [-1.0, 2, 5]) { #expect(abs(found - expected) < 1e-5) }
  }

  @Test func theHessianOfALinearRegressionHasTheSpectrumOfItsInputs() throws {
    let (surface, eigenvalues) = try regression((0..<40).map { 1 + 0.02 * Double($0) } + [6, 9])
    let hessian = try Hessian(of: surface)
    #expect(hessian.dimension == 42 && surface.count == 48)
    let spectrum = try hessian.spectrum(leading: 2, trailing: 1, tolerance: 1e-5)
    #expect(spectrum.hasConverged)
    #expect(abs(spectrum.largest[0].value / eigenvalues[41] - 1) < 1e-5)
    #expect(abs(spectrum.largest[1].value / eigenvalues[40] - 1) < 1e-5)
    #expect(abs(spectrum.leadingRatio - 81.0 / 36) < 1e-4)
    #expect(abs(abs(spectrum.largest[0].vector[41]) - 1) < 1e-5)
    // All but the largest axis.
    hessian.selection = [0..<41]
    let rest = try hessian.spectrum(leading: 1, tolerance: 1e-5)
    #expect(abs(rest.largest[0].value / eigenvalues[40] - 1) < 1e-5)
    #expect(abs(rest.largest[0].vector[41]) == 0)
  }

  @Test func contoursOfAQuadraticAreItsParabolas() throws {
    let (surface, eigenvalues) = try regression((0..<10).map { 1 + 0.1 * Double($0) } + [6, 9])
    let point = surface.point
    let spectrum = try Hessian(of: surface).spectrum(tolerance: 1e-6)
    let contour = try surface.contour(around: point, spectrum, rise: 0.5, resolution: 5)
    let start = try surface.gradient(at: point)
    #expect(contour.losses[2][2] == start.loss)
    #expect(abs(contour.coordinates[4] - (2 * 0.5 / eigenvalues[10]).squareRoot()) < 1e-4)
    let slopes = spectrum.largest.map { dot($0.vector, start.gradient) }
    for (j, y) in contour.coordinates.enumerated() {
      for (i, x) in contour.coordinates.enumerated() {
        let expected =
          start.loss + slopes[0] * x + slopes[1] * y + eigenvalues[11] * x * x / 2 + eigenvalues[10] * y * y / 2
        #expect(abs(contour.losses[j][i] - expected) < 1e-5 * (1 + expected))
      }
    }
  }

  @Test func aWalkDownAQuadraticSeesItsCurvature() throws {
    // All eigenvalues are 2: L falls by η (1 − η) ‖g‖², the gradient by 2 η ‖g‖.
    let (surface, eigenvalues) = try regression(Array(repeating: 1, count: 12))
    #expect(abs(eigenvalues[0] - 2) < 1e-12)
    let walk = try surface.walk(from: surface.point)
    let square = walk.gradientNorm * walk.gradientNorm
    for (index, step) in walk.steps.enumerated() {
      #expect(abs(walk.losses[index] - (walk.loss - step * (1 - step) * square)) < 1e-5 * walk.loss)
      #expect(abs(walk.gradientChanges[index] - 2 * step * walk.gradientNorm) < 1e-4 * walk.gradientNorm)
    }
    #expect(abs(walk.effectiveSmoothness - 2) < 1e-3)
    #expect(
      walk.lossRange.lowerBound == walk.losses[7] && walk.gradientChangeRange.upperBound == walk.gradientChanges[7])
    #expect(walk.steps.last == 0.4)
  }

  @Test func filtersOfANormalizedDirectionHaveTheNormsOfTheirWeights() throws {
    let example = try SurfaceCase(
      LayerCase("norm") { _ in BatchNorm() }.network(inputs: 5, units: 4, outputs: 3), rows: 9)
    let (point, direction) = (example.surface.point, example.direction(4))
    let normalized = example.surface.filterNormalized(direction, at: point)
    let weight = example.surface.ranges { name, _ in name == "0.weight" }[0].lowerBound
    for filter in 0..<4 {
      let range = weight + 5 * filter..<weight + 5 * (filter + 1)
      let (own, theirs) = (Array(normalized[range]), Array(point[range]))
      #expect(abs(dot(own, own) / dot(theirs, theirs) - 1) < 1e-5)
      #expect(dot(own, Array(direction[range])) > 0)
    }
    for range in example.surface.ranges(where: { _, role in role != .weight }) {
      #expect(normalized[range].allSatisfy { $0 == 0 })
    }
  }

  @Test func aProbeSeesWhatTheLastActivationTakes() throws {
    var numbers = Numbers(5)
    let (rows, units) = (101, 7)
    let data = try Dataset(
      numbers.many(rows * 4), shape: [4],
      targets: .classes((0..<rows).map { Int32($0 % 3) }, labels: ["a", "b", "c"]))
    func network(@LayerBuilder _ layers: () -> [any Layer]) -> Network {
      Network(input: [4]) {
        layers()
        Dense(3)
      }
    }
    let before = try Model(
      network {
        Dense(9)
        Sigmoid()
        Dense(units)
        BatchNorm()
        Sigmoid()
      }, seed: 3)
    let inputs = try ActivationProbe(before, examples: data).inputs(of: before)
    #expect(inputs.units.count == units)
    // Normalized inputs have mean 0 and deviation 1; the reference gives the same percentiles.
    let reference = try ReferenceNetwork(before)
    var scaled: [Float] = []
    for row in 0..<rows { scaled += data[row] }
    scaled = try InputScaling(fittedTo: data).scaled(scaled)
    _ = reference.forward(Matrix(rows, 4, scaled), training: true)
    let normalized = reference.norms["3"]!.normalized
    var linear = 0
    for unit in 0..<units {
      let sorted = (0..<rows).map { normalized.values[$0 * units + unit].value }.sorted()
      // 101 values: percentile p is value number p.
      #expect(abs(inputs.units[unit].low - sorted[15]) < 1e-4)
      #expect(abs(inputs.units[unit].median - sorted[50]) < 1e-4)
      #expect(abs(inputs.units[unit].high - sorted[85]) < 1e-4)
      linear += sorted.count { abs($0) < 1 }
    }
    #expect(inputs.linearShare == Double(linear) / Double(rows * units))
    #expect((0..<units).contains(inputs.typicalUnit))
    // With the norm after the sigmoid the input is the dense layer's, whatever its size.
    let after = try Model(
      network {
        Dense(units)
        Sigmoid()
        BatchNorm()
      }, seed: 3)
    var large = after
    try large.setParameter(
      "0.weight", to: Tensor(after.parameters[0].values.values.map { 10 * $0 }, shape: [units, 4]))
    let probe = try ActivationProbe(after, examples: data)
    let (small, wide) = (try probe.inputs(of: after), try probe.inputs(of: large))
    #expect(abs(wide.units[2].high / small.units[2].high - 10) < 1e-4)
    #expect(wide.linearShare < small.linearShare)
    let linearModel = try Model(Network(input: [4]) { Dense(3) })
    #expect(throws: EvenkeelError.self) { try ActivationProbe(linearModel, examples: data) }
  }

  @Test func aTrainingIsObservedStepByStepWithoutChangingIt() throws {
    var numbers = Numbers(6)
    let data = try Dataset(
      numbers.many(240), shape: [4], targets: .classes((0..<60).map { Int32($0 % 3) }, labels: ["a", "b", "c"]))
    let network = Network(input: [4]) {
      Dense(5)
      BatchNorm()
      NoiseInjection()
      Sigmoid()
      Dense(3)
    }
    let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: 0.1), batchSize: 20)
    var (plain, observed) = (try Model(network), try Model(network))
    try trainer.fit(&plain, to: data, epochs: 2)
    var seen: [(step: Int, model: Model)] = []
    try trainer.fit(
      &observed, to: data, epochs: 2,
      observing: { step, model in if step % 2 == 0 { seen.append((step, try model())) } })
    #expect(seen.map(\.step) == [2, 4, 6])
    #expect(observed.parameters.map(\.values) == plain.parameters.map(\.values))
    #expect(seen[2].model.parameters.map(\.values) == plain.parameters.map(\.values))
    #expect(seen[0].model.parameters.map(\.values) != plain.parameters.map(\.values))
  }

  /// So that noise is all that a network with it differs by.
  @Test func weightsBeforeInjectedNoiseStartAsTheActivationAfterItAsksFor() throws {
    let network = Network(input: [4]) {
      Dense(3)
      BatchNorm()
      NoiseInjection()
      ReLU()
      Dense(2)
    }
    #expect((try network.placed().layers[0].layer as? Dense)?.initialization == .he)
  }

  @Test func injectedNoiseHasAMeanAndAScaleThatChangeWithTheStep() throws {
    let rows = 400
    let operation = try NoiseInjection(meanRange: 0.5, scaleRange: 0.25, spread: 0.1).makeOperation(
      for: LayerSite(input: [2], output: [2], name: "0", maximumRows: rows, purpose: .training))
    /// Outputs and gradients of constant inputs in one step.
    func run(_ step: Int, input: Float) throws -> (outputs: [Float], gradients: [Float]) {
      var x = [Float](repeating: input, count: 2 * rows)
      var (y, dy) = (x, [Float](repeating: 1, count: 2 * rows))
      var dx = dy
      var scratch = [Float](repeating: 0, count: operation.scratchCount)
      try x.withUnsafeMutableBufferPointer { x in
        try y.withUnsafeMutableBufferPointer { y in
          try dy.withUnsafeMutableBufferPointer { dy in
            try dx.withUnsafeMutableBufferPointer { dx in
              try scratch.withUnsafeMutableBufferPointer { scratch in
                let state = try Model(Network(input: [2]) { Dense(1) }).state
                let pass = ForwardPass(
                  purpose: .training, rows: rows, inputLength: 2, outputLength: 2,
                  input: UnsafePointer(x.baseAddress!), output: y.baseAddress!, scratch: scratch.baseAddress!,
                  sliceScratch: scratch.baseAddress!, workspace: scratch.baseAddress!,
                  key: RandomKey(seed: 1).branch(step), slices: SliceBounds([0, rows], count: 1),
                  memory: state.memory(state.layout.places(of: "0")))
                try operation.forward(pass)
                try operation.backward(
                  BackwardPass(
                    pass, outputGradient: dy.baseAddress!, inputGradient: dx.baseAddress!,
                    gradients: state.parameters.start))
              }
            }
          }
        }
      }
      return (y, dx)
    }
    func mean(_ values: [Float], _ unit: Int) -> Double {
      stride(from: unit, to: values.count, by: 2).reduce(0) { $0 + Double(values[$1]) } / Double(rows)
    }
    let shifts = try (0..<40).map { mean(try run($0, input: 0).outputs, 0) }
    #expect(shifts.allSatisfy { abs($0) < 0.55 } && shifts.contains { $0 > 0.2 } && shifts.contains { $0 < -0.2 })
    let first = try run(0, input: 3)
    #expect(first == (try run(0, input: 3)))
    #expect(abs(mean(first.outputs, 0) - mean(first.outputs, 1)) > 0.01)
    // y = s x + m: the gradient of x is s, between 0.9 and 1.35, and differs between examples.
    let offsets = try run(0, input: 0).outputs
    for index in 0..<2 * rows {
      #expect(abs(first.outputs[index] - offsets[index] - 3 * first.gradients[index]) < 1e-5)
      #expect((0.9...1.35).contains(first.gradients[index]))
    }
    #expect(Set(first.gradients).count > rows)
    // Prediction does not see it.
    let network = Network(input: [3]) {
      NoiseInjection()
      Dense(2)
    }
    let silent = Network(input: [3]) {
      NoiseInjection(meanRange: 0, scaleRange: 0, spread: 0)
      Dense(2)
    }
    #expect(try Model(network).predict([1, 2, 3]) == Model(silent).predict([1, 2, 3]))
  }
}

/// The network of Ioffe and Szegedy 2015, §4.1, on digits.
private func paperNetwork() -> Network {
  Network(input: [784]) {
    for _ in 0..<3 {
      Dense(100, initialization: .normal(0.1))
      BatchNorm()
      Sigmoid()
    }
    Dense(10, initialization: .normal(0.1))
  }
}

@Test(.enabled(if: dataFolder != nil, "EVENKEEL_DATA is not set"))
func leadingEigenvectorsOnDigitsAreThoseOfTheGradientsDifferences() throws {
  let digits = try Dataset.idx(at: dataFolder! + "/mnist")
  var model = try Model(paperNetwork(), seed: 1)
  try Trainer(loss: .softmaxCrossEntropy, optimizer: .gradientDescent(learningRate: 0.5), batchSize: 60).fit(
    &model, to: digits.training.subset(0..<6000), epochs: 1)
  let surface = try LossSurface(model, examples: digits.training.subset(6000..<7000), threads: 2)
  let spectrum = try Hessian(of: surface).spectrum()
  #expect(spectrum.hasConverged && spectrum.leadingRatio > 1)
  #expect(spectrum.condition() > spectrum.leadingRatio)
  for pair in spectrum.largest {
    // The surface's gradient is the training engine's.
    let step: Float = 1e-2
    let ahead = try surface.gradient(at: zip(surface.point, pair.vector).map { $0 + step * $1 }).gradient
    let behind = try surface.gradient(at: zip(surface.point, pair.vector).map { $0 - step * $1 }).gradient
    let along = dot(zip(ahead, behind).map { ($0 - $1) / (2 * step) }, pair.vector)
    #expect(abs(along / pair.value - 1) < 0.01)
  }
}
