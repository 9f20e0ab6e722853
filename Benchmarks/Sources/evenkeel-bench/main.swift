// The Evenkeel side of the benchmark: a worker that `run.py` asks for blocks of timings, in turn with the peers.
//
// With the argument `onednn` layers are done by oneDNN's own fused primitive, called in the same way; with `products` steps are
// their matrix products alone.
//
// One request a line on standard input, one JSON object a line on standard output:
//   step 784,100,10 sigmoid 60 batch float32   training steps; milliseconds each, and the first five losses on one batch; with
//                                        `none` in place of `batch` without norms, with `bfloat16` its products in that
//   images lenet 128 batch float32       the same of a network that ships with the package
//   layer 8192 1024                      batch norm + ReLU forward and backward; milliseconds, sums of dx·x and dγ, and the bytes
//                                        that the sweeps move
//   predict 784,256,256,10 relu          one row through a model; milliseconds, and the outputs
//   model california.safetensors         one row of numbers through a stored model; milliseconds, and the outputs
//   image lenet                          one image through a network that ships with the package
//   peak                                 fused multiply-adds in registers, on all threads; milliseconds for 10⁹ operations each
import Evenkeel
import Glibc

/// What a request asks for: the numbers that peers must agree with, and a function that gives the times of one block.
struct Prepared {
  let check: [Double]
  /// More fields of the answer.
  var note = ""
  let block: () throws -> [Double]
}

let blockSeconds = 0.4
var prepared: [String: Prepared] = [:]

while let request = readLine() {
  if prepared[request] == nil { prepared[request] = try prepare(request.split(separator: " ").map(String.init)) }
  let this = prepared[request]!
  print("{\"times\":\(try this.block()),\"check\":\(this.check)\(this.note)}")
  fflush(nil)
}

/// Whether the processor has no such precision.
func lacks(_ precision: String) -> Bool { Precision(rawValue: precision)?.isAvailable == false }

func prepare(_ words: [String]) throws -> Prepared {
  let widths = (words.count > 1 ? words[1] : "").split(separator: ",").compactMap { Int($0) }
  switch words[0] {
  case "step" where CommandLine.arguments.contains("products"): return products(widths: widths, rows: Int(words[3])!)
  case "step" where lacks(words.last!), "images" where lacks(words.last!):
    return Prepared(check: [], note: ",\"refused\":\"this processor has no bfloat16\"", block: { [] })
  case "step":
    return try steps(
      of: model(widths: widths, activation: words[2], normalized: words[4] == "batch"), batch: Int(words[3])!,
      // A deep net without norms diverges soon.
      learningRate: words[4] == "batch" ? 0.01 : 1e-5, precision: Precision(rawValue: words[5])!)
  case "images":
    return try steps(
      of: model(preset: words[1], normalized: words[3] == "batch"), batch: Int(words[2])!, learningRate: 1e-5,
      precision: Precision(rawValue: words[4])!)
  case "layer":
    return layer(rows: widths[0], features: Int(words[2])!, by: CommandLine.arguments.contains("onednn"))
  case "predict": return try prediction(of: model(widths: widths, activation: words[2]))
  case "model": return try prediction(of: Model(contentsOf: words[1]))
  case "peak": return peak()
  case "image": return try prediction(of: model(preset: words[1], normalized: true))
  default: fatalError("unknown request \(words)")
  }
}

/// Number `index` of a fixed sequence in [0, 1); peers/common.py has the same.
func number(_ index: Int) -> Float {
  var h = UInt32(truncatingIfNeeded: index)
  h = (h ^ (h >> 16)) &* 0x45d9_f3b
  h = (h ^ (h >> 16)) &* 0x45d9_f3b
  h ^= h >> 16
  return Float(h >> 8) * 0x1p-24
}

func milliseconds(_ duration: Duration) -> Double { duration / .milliseconds(1) }

/// Runs `body` for a block of time and gives the milliseconds of each run.
func timed(_ body: () throws -> Void) rethrows -> [Double] {
  var times: [Double] = []
  let clock = ContinuousClock()
  let end = clock.now + .seconds(blockSeconds)
  repeat {
    let start = clock.now
    try body()
    times.append(milliseconds(clock.now - start))
  } while clock.now < end || times.count < 3
  return times
}

/// A net with batch norm on every hidden layer or without, its weights from the fixed sequence.
func model(widths: [Int], activation: String, normalized: Bool = true) throws -> Model {
  try model(
    Network.multilayer(
      input: widths[0], hidden: Array(widths[1..<widths.count - 1]), outputs: widths.last!,
      activation: ActivationKind(named: activation),
      normalization: normalized ? .beforeActivation : .none))
}

/// A network that ships with the package, with or without its norms.
func model(preset: String, normalized: Bool) throws -> Model {
  let network = try Network(preset: preset)
  return try model(normalized ? network : network.withoutNormalization())
}

func model(_ network: Network) throws -> Model {
  var model = try Model(network)
  var offset = 0
  for (name, role, values) in model.parameters where role == .weight {
    let count = values.shape.count
    let scale = (6 / Float(count / values.shape.dimensions[0])).squareRoot()
    let weights = (0..<count).map { (2 * number(offset + $0) - 1) * scale }
    offset += count
    try model.setParameter(name, to: Tensor(weights, shape: values.shape))
  }
  return model
}

func rows(_ count: Int, of model: Model, repeated: Int = 1) throws -> Dataset {
  let shape = model.network.input
  let classes = try model.network.outputShape().count
  let values = (0..<count * shape.count).map { number($0 + 1_000_003) }
  let labels = (0..<count).map { Int32($0 % classes) }
  return try Dataset(
    Array((0..<repeated).map { _ in values }.joined()), shape: shape,
    targets: .classes(
      Array((0..<repeated).map { _ in labels }.joined()), labels: (0..<classes).map { String($0) }))
}

/// Steps as a user's training makes them: shuffled rows gathered and standardized, checks included.
func steps(of fresh: Model, batch: Int, learningRate: Double, precision: Precision) throws -> Prepared {
  var trainer = Trainer(
    loss: .softmaxCrossEntropy, optimizer: .momentum(learningRate: learningRate), batchSize: batch, precision: precision
  )
  var model = fresh
  let losses = try trainer.fit(&model, to: rows(batch, of: fresh), epochs: 5).epochs.map(\.trainLoss)
  let most = max(12, min(400, 64 << 20 / (4 * batch * fresh.network.input.count)))
  let many = try rows(batch, of: fresh, repeated: most)
  trainer.optimizer = .momentum(learningRate: 1e-6)
  return Prepared(
    check: losses,
    block: {
      var times: [Double] = []
      let clock = ContinuousClock()
      var before = clock.now
      let end = before + .seconds(blockSeconds)
      // Stopping throws; the first two steps touch new memory.
      _ = try? trainer.fit(
        &model, to: many, epochs: 1, shouldStop: { clock.now > end && times.count >= 6 },
        onEvent: { event in
          guard case .step = event else { return }
          let now = clock.now
          times.append(milliseconds(now - before))
          before = now
        })
      return Array(times.dropFirst(2))
    }
  )
}

/// One observation at a time through the model with its norms folded.
func prediction(of model: Model) throws -> Prepared {
  let row = (0..<model.network.input.count).map { number($0 + 1_000_003) }
  let folded = try model.folded()
  return Prepared(
    check: try folded.predict(row).map(Double.init), block: { try timed { _ = try folded.predict(row) } })
}
