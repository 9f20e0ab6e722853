import Evenkeel
import EvenkeelReference
import FoundationEssentials
import Testing

@Test func imagesOfAnotherShapeAreRefusedThoughTheyHaveAsManyValues() throws {
  let network = Network(input: [4, 6, 3]) {
    Convolution(2, kernel: 3)
    GlobalAveragePool()
  }
  func images(_ shape: Shape) throws -> Dataset {
    try Dataset(
      (0..<4 * 72).map { Float($0 % 11) }, shape: shape,
      targets: .classes([0, 1, 0, 1], labels: ["a", "b"]))
  }
  let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(), batchSize: 2)
  for shape in [[8, 3, 3], [6, 4, 3]] as [Shape] {
    var model = try Model(network)
    let error = #expect(throws: EvenkeelError.self) { try trainer.fit(&model, to: images(shape), epochs: 1) }
    #expect(error!.message.contains("[4, 6, 3]") && error!.message.contains("\(shape)"))
    #expect(throws: EvenkeelError.self) { try model.predict(images(shape)) }
  }
  // Flat rows have no shape of their own.
  var model = try Model(network)
  try trainer.fit(&model, to: images([72]), epochs: 1)
}

@Test func windowsAndBlocksThatDoNotFitAreNamedByLayer() throws {
  func sentence(_ input: Shape, @LayerBuilder _ layers: () -> [any Layer]) -> String {
    do {
      _ = try Model(Network(input: input, layers: layers()))
      return "no error"
    } catch { return "\(error)" }
  }
  #expect(
    sentence([4, 4, 3]) {
      ReLU()
      Convolution(8, kernel: 5, padding: .valid)
    }.contains("Layer 1: convolution: a window of 5 pixels does not fit into 4"))
  #expect(sentence([4, 4, 3]) { MaxPool(6) }.contains("Layer 0: maxPool: a window of 6 pixels does not fit into 4"))
  #expect(sentence([4, 4, 6]) { Convolution(8, kernel: 3, groups: 4) }.contains("groups is 4"))
  #expect(sentence([4, 4]) { Convolution(8, kernel: 3) }.contains("[height, width, channels], got [4, 4]"))
  #expect(sentence([9]) { Convolution1D(8, kernel: 3) }.contains("[length, channels], got [9]"))
  #expect(sentence([4, 4, 3]) { Convolution(8, kernel: 0) }.contains("kernel is 0"))
  #expect(sentence([4, 4, 3]) { MaxPool(2, padding: .each(2)) }.contains("padding is as large as the window"))
  #expect(
    sentence([4, 4, 3]) { Residual { Convolution(8, kernel: 3) } }
      .contains("residual: expected the block to give [4, 4, 3], the shape that it takes, got [4, 4, 8]"))
  #expect(
    sentence([7, 7, 3]) { Residual(shortcut: .projection) { Convolution(8, kernel: 3, stride: [2, 5]) } } == "no error")
  #expect(
    sentence([8, 8, 3]) {
      Residual(shortcut: .projection) {
        Convolution(8, kernel: 3)
        GlobalAveragePool()
      }
    }.contains("no projection takes [8, 8, 3] to [8]"))
}

@Test(arguments: Network.presets)
func everyPresetFitsOtherDataAndIsStoredAsItIs(name: String) throws {
  let preset = try Network(preset: name)
  let shape: Shape = preset.input.rank == 1 ? [784] : [40, 40, 3]
  let data = try Dataset(
    [Float](repeating: 0, count: 2 * shape.count), shape: shape,
    targets: .classes([0, 1], labels: (0..<7).map { String($0) }))
  let fitted = try preset.fitted(to: data)
  #expect(fitted.input == shape)
  #expect(try fitted.outputShape() == [7])
  let stored = try JSONDecoder().decode(Network.self, from: JSONEncoder().encode(fitted))
  #expect(stored == fitted)
  let plain = fitted.withoutNormalization()
  #expect(try plain.placed().layers.allSatisfy { !($0.layer is BatchNorm) })
  #expect(try plain.outputShape() == [7])
}

@Test(arguments: ImageCase.all)
func everyImageLayerAgreesWithTheReference(imageCase: ImageCase) throws {
  for rows in [2, 5, 33] { try expectStepToAgree(imageCase.network, rows: rows, "\(rows) rows") }
}
