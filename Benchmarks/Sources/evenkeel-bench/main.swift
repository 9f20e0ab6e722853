// The Evenkeel side of the benchmark: a worker that `run.py` asks for blocks of timings, in turn with the peers.
//
// With the argument `onednn` layers are done by oneDNN's own fused primitive, called in the same way.
//
// One request a line on standard input, one JSON object a line on standard output:
//   step 784,100,100,100,10 sigmoid 60   training steps; milliseconds each, and the first five losses on one batch
//   layer 8192 1024                      batch norm + ReLU forward and backward; milliseconds, and sums of dx·x and dγ
//   predict 784,256,256,10 relu          one row through a model; milliseconds, and the outputs
//   images lenet batch 128               training steps of a network that ships with the package; with `none` in place of
//                                        `batch` its norms are left out
//   image lenet                          one image through it; milliseconds, and the outputs
import Evenkeel
import Glibc

let blockSeconds = 0.4
var prepared: [String: () throws -> [Double]] = [:]
var checks: [String: [Double]] = [:]

while let request = readLine() {
  let words = request.split(separator: " ").map(String.init)
  let numbers = words[1].split(separator: ",").compactMap { Int($0) }
  if prepared[request] == nil {
    let (check, block) =
      switch words[0] {
      case "step": try steps(of: model(widths: numbers, activation: words[2]), batch: Int(words[3])!)
      case "layer":
        layer(rows: numbers[0], features: Int(words[2])!, by: CommandLine.arguments.contains("onednn"))
      case "predict": try prediction(of: model(widths: numbers, activation: words[2]))
      case "images":
        try steps(
          of: model(preset: words[1], normalized: words[2] == "batch"), batch: Int(words[3])!,
          // A deep net without norms diverges soon.
          learningRate: 1e-5)
      case "image": try prediction(of: model(preset: words[1], normalized: true))
      default: fatalError("unknown request \(request)")
      }
    (checks[request], prepared[request]) = (check, block)
  }
  let times = try prepared[request]!()
  print("{\"times\":\(times),\"check\":\(checks[request]!)}")
  fflush(nil)
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

/// A net with batch norm on every hidden layer, its weights from the fixed sequence.
func model(widths: [Int], activation: String) throws -> Model {
  try model(
    Network.multilayer(
      input: widths[0], hidden: Array(widths[1..<widths.count - 1]), outputs: widths.last!, activation: activation))
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
func steps(of fresh: Model, batch: Int, learningRate: Double = 0.01) throws -> ([Double], () throws -> [Double]) {
  var trainer = Trainer(
    loss: .softmaxCrossEntropy, optimizer: .momentum(learningRate: learningRate), batchSize: batch)
  var model = fresh
  let losses = try trainer.fit(&model, to: rows(batch, of: fresh), epochs: 5).epochs.map(\.trainLoss)
  let most = max(12, min(400, 64 << 20 / (4 * batch * fresh.network.input.count)))
  let many = try rows(batch, of: fresh, repeated: most)
  trainer.optimizer = .momentum(learningRate: 1e-6)
  return (
    losses,
    {
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

func prediction(of model: Model) throws -> ([Double], () throws -> [Double]) {
  let row = (0..<model.network.input.count).map { number($0 + 1_000_003) }
  let check = try model.predict(row).map(Double.init)
  return (
    check,
    {
      try timed {
        for _ in 0..<20 { _ = try model.predict(row) }
      }.map { $0 / 20 }
    }
  )
}
