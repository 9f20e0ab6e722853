import Evenkeel
import Testing

@Test func theLastWeightsOfABlockStartAsTheActivationAfterTheBlockAsks() throws {
  let network = Network(input: [4]) {
    Residual {
      Dense(4)
      BatchNorm()
      ReLU()
      Dense(4)
      BatchNorm()
    }
    ReLU()
    Residual(shortcut: .layers(LayerList([Dense(4)]))) { Dense(4) }
    Sigmoid()
  }
  let starts = try network.placed().layers.compactMap { placed in
    (placed.layer as? Dense).map { "\(placed.path) \($0.initialization)" }
  }
  #expect(starts == ["0.block.0 he", "0.block.3 he", "2.block.0 glorot", "2.shortcut.0 glorot"])
}
