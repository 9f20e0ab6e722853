import Evenkeel
import Kernels
import OneDNN

/// Batch norm and ReLU over (rows, features): forward, then backward with the gradient of the input.
/// - Parameter peer: Whether oneDNN's own primitive does it.
func layer(rows: Int, features: Int, by peer: Bool) -> Prepared {
  let count = rows * features
  func buffer(_ count: Int) -> UnsafeMutablePointer<Float> {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: max(count, 16) * 4, alignment: 64)
    let floats = memory.bindMemory(to: Float.self, capacity: count)
    floats.initialize(repeating: 0, count: count)
    return floats
  }
  let (x, y, dy, dx) = (buffer(count), buffer(count), buffer(count), buffer(count))
  for index in 0..<count { (x[index], dy[index]) = (number(index), number(index + count) - 0.5) }
  let (scale, shift, dscale, dshift) = (buffer(features), buffer(features), buffer(features), buffer(features))
  scale.update(repeating: 1, count: features)
  let kept = buffer(4 * features)
  let statistics = ek_batch_statistics(
    mean_high: kept, mean_low: kept + features, variance: kept + 2 * features,
    inverse_deviation: kept + 3 * features)
  let scratch = UnsafeMutableRawPointer(buffer(2 * ek_batch_norm_scratch(rows, features)))
    .assumingMemoryBound(to: Double.self)
  let threads = Int32(Machine.threads)
  var norm = ek_batch_norm(
    rows: rows, features: features, epsilon: 1e-5, scale: scale, shift: shift, activation: EK_RELU, slope: 0,
    addend: nil, past_cache: 0)
  let primitive =
    peer
    ? onednn_norm_create(Int64(rows), Int64(features), x, y, dy, dx, scale, shift, dscale, dshift) : nil
  precondition(!peer || primitive != nil, "oneDNN cannot make the norm.")
  func run() {
    if let primitive {
      precondition(onednn_norm_run(primitive) == 0, "oneDNN failed.")
      return
    }
    _ = ek_batch_norm_forward(&norm, x, y, statistics, scratch, threads)
    ek_batch_norm_backward(&norm, 0, x, y, dy, statistics, dscale, dshift, dx, scratch, threads)
  }
  run()
  let check = [
    (0..<count).reduce(0.0) { $0 + Double(dx[$1]) * Double(dx[$1]) },
    (0..<features).reduce(0.0) { $0 + abs(Double(dscale[$1])) },
  ]
  // The model: statistics and normalization read the tensor and one of it is written; backward two sweeps read both tensors and
  // one is written (shifted one-pass statistics, ReLU in the sweeps). A line that is written in the cache is fetched first.
  let tensor = 4 * count
  let fetched = features % 16 == 0 && count >= EK_STREAM_THRESHOLD ? 0 : tensor
  return Prepared(
    check: check,
    note: peer
      ? ""
      : """
      ,"traffic":{"forward":\(3 * tensor + fetched),"backward":\(5 * tensor + fetched),"modelForward":\(3 * tensor),\
      "modelBackward":\(5 * tensor)}
      """,
    block: { timed(run) })
}

/// The matrix products of a training step alone, by oneDNN's sgemm.
func products(widths: [Int], rows: Int) -> Prepared {
  guard let products = onednn_products_create(Int64(rows), widths.map(Int64.init), Int32(widths.count)) else {
    fatalError("There is no memory for the products.")
  }
  return Prepared(check: [], block: { timed { precondition(onednn_products_run(products) == 0, "oneDNN failed.") } })
}

/// The processor's fused multiply-adds: a billion operations on each thread.
func peak() -> Prepared {
  let threads = Machine.threads
  return Prepared(
    check: [], note: ",\"operations\":\(threads)e9",
    block: { timed { ek_team_run({ _, _, _ in _ = fma_chain(1_000_000_000 / 384) }, nil, threads, Int32(threads)) } })
}
