import Evenkeel
import EvenkeelReference
import Testing

@Test(arguments: LayerCase.all)
func everyLayerAgreesWithTheReferenceWhateverTheShape(layerCase: LayerCase) throws {
  for rows in [2, 3, 7, 60, 1024] {
    // Wide and tall at once is slow and new to no loop.
    for units in [1, 3, 7, 8, 17, 100, 1024] where rows * units <= 1024 * 64 {
      try expectStepToAgree(
        layerCase.network(inputs: 5, units: units, outputs: 3), rows: rows, "\(rows) rows, \(units) units")
    }
  }
}

@Test(arguments: [
  ReferenceLoss.softmax(smoothing: 0), .softmax(smoothing: 0.1), .sigmoid, .squared, .huber(delta: 0.6),
])
func everyLossAgreesWithTheReference(loss: ReferenceLoss) throws {
  for outputs in [1, 2, 3, 10, 17, 100] {
    if case .softmax = loss, outputs == 1 { continue }
    for rows in [2, 3, 60, 257] {
      let network = Network(input: [4]) {
        Dense(9)
        BatchNorm()
        ReLU()
        Dense(outputs)
      }
      try expectStepToAgree(network, rows: rows, loss: loss, "\(rows) rows, \(outputs) outputs")
    }
  }
}

@Test func wholeNetworksAgreeWithTheReference() throws {
  let deep = Network(input: [12]) {
    for _ in 0..<4 {
      Dense(40)
      BatchNorm()
      ReLU()
    }
    Dense(10)
  }
  let residual = Network(input: [9]) {
    Dense(21)
    BatchNorm()
    SiLU()
    for _ in 0..<3 {
      Residual {
        Dense(21)
        BatchNorm()
        GELU()
        Dense(21)
        Tanh()
        BatchNorm()
      }
    }
    Dense(5)
  }
  let after = Network(input: [3, 4, 2]) {
    BatchNorm()
    Flatten()
    Dense(30)
    Sigmoid()
    BatchNorm()
    Dense(30)
    Softplus()
    BatchNorm(scale: false)
    Dense(7)
  }
  for rows in [7, 60, 200] {
    try expectStepToAgree(deep, rows: rows, "deep, \(rows) rows")
    try expectStepToAgree(residual, rows: rows, loss: .huber(delta: 1), "residual, \(rows) rows")
    try expectStepToAgree(after, rows: rows, loss: .sigmoid, "norm behind the activation, \(rows) rows")
  }
}

/// So many values pass through the first three dense layers that their slices leave parts of the gradients, but not the last's.
@Test func denseLayersOfLargeBatchesAgreeWithTheReference() throws {
  let network = Network(input: [90]) {
    Dense(70)
    BatchNorm()
    ReLU()
    Dense(70)
    ReLU()
    Reshape([2, 35])
    Dense(40)
    ReLU()
    Flatten()
    Dense(5)
  }
  for rows in [1000, 1024] { try expectStepToAgree(network, rows: rows, "\(rows) rows") }
}
