import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import Testing

private enum Choice: CaseIterable { case relu, two, nothing }

/// The kinds of the layers that a builder with every form of statement gives.
private func built(_ flag: Bool, times: Int, _ choice: Choice, _ optional: (any Layer)?) -> [String] {
  let network = Network(input: [4]) {
    Dense(4)
    if flag { Dropout(0.5) }
    if flag { Sigmoid() } else { Tanh() }
    for index in 0..<times {
      Dense(index + 2)
      if index == 1 { Softplus() }
    }
    switch choice {
    case .relu: ReLU()
    case .two:
      GELU()
      SiLU()
    case .nothing: [any Layer]()
    }
    if let optional { optional }
    if #available(macOS 26, *) { ELU() }
    [LeakyReLU(), Flatten()]
  }
  return network.layers.map { type(of: $0).kind }
}

@Test func theBuilderTakesEveryFormOfStatement() {
  #expect(
    built(true, times: 2, .two, BatchNorm()) == [
      "dense", "dropout", "sigmoid", "dense", "dense", "softplus", "gelu", "silu", "batchNorm", "elu", "leakyRelu",
      "flatten",
    ])
  #expect(built(false, times: 0, .nothing, nil) == ["dense", "tanh", "elu", "leakyRelu", "flatten"])
  #expect(built(false, times: 1, .relu, nil) == ["dense", "tanh", "dense", "relu", "elu", "leakyRelu", "flatten"])
}

@Test func aBiasIsLeftOutWhereANormFollowsAndNowhereElse() throws {
  let model = try Model(
    Network(input: [3]) {
      Dense(4)
      BatchNorm()
      Dense(4)
      ReLU()
      BatchNorm()
      Dense(4, bias: .absent)
      Dense(4, bias: .present)
      BatchNorm(scale: false)
      Residual {
        Dense(4)
        BatchNorm(shift: false)
      }
    })
  #expect(
    model.parameters.map(\.name) == [
      "0.weight", "1.weight", "1.bias", "2.weight", "2.bias", "4.weight", "4.bias", "5.weight", "6.weight", "6.bias",
      "7.bias", "8.block.0.weight", "8.block.1.weight",
    ])
  let roles = Dictionary(uniqueKeysWithValues: model.parameters.map { ($0.name, $0.role) })
  #expect(roles["0.weight"] == .weight && roles["2.bias"] == .bias)
  #expect(roles["1.weight"] == .scale && roles["7.bias"] == .shift)
}

@Test func anErrorOfShapeSaysWhatWasExpectedAndWhatCame() throws {
  func expectError(_ parts: [String], _ body: () throws -> Void) {
    let error = #expect(throws: EvenkeelError.self) { try body() }
    for part in parts { #expect(error?.message.contains(part) == true, "\(error?.message ?? "")") }
  }
  func build(_ input: Shape, @LayerBuilder _ layers: () -> [any Layer]) -> () throws -> Void {
    let network = Network(input: input, layers: layers())
    return { _ = try Model(network) }
  }
  expectError(["Layer 0", "[features]", "[2, 3, 4]", "flatten"], build([2, 3, 4]) { Dense(4) })
  expectError(
    ["Layer 1", "units is 0"],
    build([3]) {
      ReLU(); Dense(0)
    })
  expectError(
    ["Layer 0.block.1", "slope is -1.0"],
    build([3]) {
      Residual {
        Dense(3); LeakyReLU(slope: -1)
      }
    })
  expectError(["Layer 0", "[3]", "[4]"], build([3]) { Residual { Dense(4) } })
  expectError(["Layer 0", "no layers"], build([3]) { Residual {} })
  expectError(["Layer 0", "epsilon is -1.0"], build([3]) { BatchNorm(epsilon: -1) })
  expectError(["Layer 0", "decay is 1.5"], build([3]) { BatchNorm(averaging: .exponential(decay: 1.5)) })
  expectError(["Layer 0", "rate is 1.0"], build([3]) { Dropout(1) })
  expectError(["[0]"], build([0]) { Dense(2) })
  expectError(["[3, -1]"], build([3, -1]) { Flatten() })
  expectError(["[]"], build([]) { Flatten() })
  expectError(["no layers"], build([3]) {})
  expectError(["\(1 << 38 + 1 << 18) learned values", "memory"], build([1 << 20]) { Dense(1 << 18) })
  expectError(["Layer 0", "too large"], build([3]) { Dense(1 << 38) })
  expectError(["Layer 0", "too large"], build([3]) { Dense(.max) })
  var model = try Model(
    Network(input: [2, 3]) {
      Flatten(); Dense(4)
    })
  expectError(["6 values", "[2, 3]", "[1, 5]"]) { _ = try model.predict([1, 2, 3, 4, 5]) }
  expectError(["[2, 3]", "[7]"]) { _ = try model.predict(Dataset([1, 2, 3, 4, 5, 6, 7], shape: [7])) }
  expectError(["1.weight", "[4, 6]", "[6, 4]"]) {
    try model.setParameter("1.weight", to: Tensor([Float](repeating: 0, count: 24), shape: [6, 4]))
  }
  expectError(["0.weight"]) { try model.setParameter("0.weight", to: Tensor([0], shape: [1])) }
  expectError(["5 values", "[2]"]) { _ = try Dataset([1, 2, 3, 4, 5], shape: [2]) }
  expectError(["Expected 3 targets", "got 2"]) {
    _ = try Dataset([1, 2, 3], shape: [1], targets: .classes([0, 1], labels: ["a", "b"]))
  }
  expectError(["example 1 is 2", "0 to 1"]) {
    _ = try Dataset([1, 2], shape: [1], targets: .classes([0, 2], labels: ["a", "b"]))
  }
  expectError(["twice", "a, a"]) {
    _ = try Dataset([1, 2], shape: [1], targets: .classes([0, 1], labels: ["a", "a"]))
  }
  let data = try Dataset(wave(12, 1, 1), shape: [6], targets: .classes([0, 1], labels: ["a", "b"]))
  let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam())
  expectError(["4 outputs", "expected 2"]) { try trainer.fit(&model, to: data, epochs: 1) }
  #expect(model.output == nil)
}

/// Sizes that fit and sizes that do not, zero and below included: an error of ours or a result, and nothing else.
@Test func anyShapesGiveAnErrorOrAResult() {
  var random = RandomNumbers(RandomKey(seed: 6))
  let sizes = [-3, -1, 0, 1, 1, 2, 2, 3, 3, 7]
  func size() -> Int { sizes[random.integer(below: sizes.count)] }
  func shape() -> Shape { Shape((0..<random.integer(below: 4)).map { _ in size() }) }
  func layers(depth: Int) -> [any Layer] {
    (0..<random.integer(below: 5)).map { _ -> any Layer in
      switch random.integer(below: depth < 2 ? 9 : 8) {
      case 0, 1: Dense(size())
      case 2: BatchNorm(scale: random.integer(below: 2) == 0, frozen: random.integer(below: 4) == 0)
      case 3: Flatten()
      case 4: Dropout([-1, 0, 0.5, 1][random.integer(below: 4)])
      case 5: LayerCase.activations[random.integer(below: LayerCase.activations.count)]
      case 6: Flatten()
      case 7: BatchNorm()
      default: Residual { layers(depth: depth + 1) }
      }
    }
  }
  var trained = 0
  for _ in 0..<3000 {
    let input = shape()
    do {
      var model = try Model(Network(input: input, layers: layers(depth: 0)))
      let dataShape = random.integer(below: 3) == 0 ? shape() : input
      let rows = random.integer(below: 6)
      let values = (0..<rows * max(0, dataShape.count)).map { Float($0 % 5) }
      let outputs = try model.network.outputShape().count
      let labels = (0..<max(2, outputs)).map { "\($0)" }
      let data = try Dataset(
        values, shape: dataShape, targets: .classes((0..<Int32(rows)).map { $0 % 2 }, labels: labels))
      _ = try model.predict(data)
      try Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 1 + random.integer(below: 4)).fit(
        &model, to: data, epochs: 1)
      _ = try model.evaluate(data)
      trained += 1
    } catch { #expect(error is EvenkeelError) }
  }
  // The test says nothing if next to nothing fits.
  #expect(trained > 100, "\(trained)")
}

@Test(arguments: [[Int.max, 2], [Int.max, Int.max], [1 << 40, 1 << 40], [-2, -2], [1, -2, -2], [0, 3]])
func dataOfImpossibleShapeIsRefused(dimensions: [Int]) {
  let error = #expect(throws: EvenkeelError.self) { try Dataset([1, 2, 3, 4], shape: Shape(dimensions)) }
  #expect(error?.code == .data)
  #expect(throws: EvenkeelError.self) { try Model(Network(input: Shape(dimensions)) { Flatten() }) }
}

@Test func activationsAreNamedAsInNetworkFiles() throws {
  for kind in ActivationKind.allCases {
    #expect(type(of: kind.layer).kind == kind.rawValue)
    let network = Network.multilayer(input: 3, hidden: [4], outputs: 2, activation: kind)
    #expect(
      try network == Network(text: "input: [3]\nlayers: [dense: 4, batchNorm, \(kind.rawValue), dense: 2]", name: ""))
  }
  let error = #expect(throws: EvenkeelError.self) { try ActivationKind(named: "relux") }
  #expect(error!.code == .usage && error!.message.contains("\"relux\" is not an activation; expected relu, leakyRelu,"))
}

/// A block without a projection is written as a list, and may be given with its keys, too.
@Test func aResidualBlockIsReadAsAListAndWithItsKeys() throws {
  func network(_ block: String) throws -> Network {
    try Network(text: "input: [8]\nlayers:\n  - residual: \(block)\n", name: "net.yaml")
  }
  let list = try network("[{dense: 8}, relu]")
  #expect(try network("{block: [{dense: 8}, relu]}") == list)
  #expect(try network("{shortcut: identity, block: [{dense: 8}, relu]}") == list)
  #expect(try network("{shortcut: projection, block: [{dense: 8}, relu]}") != list)
  for shortcut in ["", "shortcut: identity, ", "shortcut: projection, "] {
    let error = #expect(throws: EvenkeelError.self) { try network("{\(shortcut)blok: 1, block: [{dense: 8}]}") }
    #expect(error?.message.contains("\"blok\" is not an option; expected shortcut, block") == true, "\(error!)")
  }
}
