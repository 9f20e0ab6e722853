import Glibc

/// How the learning rate changes during training, as a factor on the optimizer's.
///
/// ```swift
/// let trainer = Trainer(
///   loss: .softmaxCrossEntropy, optimizer: .momentum(learningRate: 0.1), schedule: .step(every: 1_000, factor: 0.1))
/// ```
public struct Schedule: Hashable, Codable, Sendable {
  enum Kind: Hashable, Codable, Sendable {
    case constant
    case step(every: Int, factor: Double)
    case exponential(factor: Double)
    case cosine
    case oneCycle
  }
  let kind: Kind
  /// The number of steps over which the factor first rises linearly from near 0 to 1.
  let warmUp: Int

  /// 1 throughout.
  public static let constant = Schedule(kind: .constant, warmUp: 0)
  /// 1 after the warm-up.
  public static func constant(warmUp: Int) -> Schedule { Schedule(kind: .constant, warmUp: warmUp) }
  /// Times `factor` after every `every` epochs.
  public static func step(every: Int, factor: Double = 0.1, warmUp: Int = 0) -> Schedule {
    Schedule(kind: .step(every: every, factor: factor), warmUp: warmUp)
  }
  /// Times `factor` after each epoch.
  public static func exponential(factor: Double, warmUp: Int = 0) -> Schedule {
    Schedule(kind: .exponential(factor: factor), warmUp: warmUp)
  }
  /// Half a cosine from 1 to 0 over all steps (Loshchilov and Hutter 2017).
  public static func cosine(warmUp: Int = 0) -> Schedule { Schedule(kind: .cosine, warmUp: warmUp) }
  /// A cosine up from 1/25 to 1 over the first 30 % of steps, then one down to 1/250,000 (Smith 2018; PyTorch's defaults).
  ///
  /// It falls one step later than PyTorch's, which reaches the bottom in the last step and not after it, and does not
  /// change the momentum.
  public static func oneCycle(warmUp: Int = 0) -> Schedule { Schedule(kind: .oneCycle, warmUp: warmUp) }

  /// Whether its rates depend on the number of all steps, so that a run that is resumed with more epochs goes on with others.
  public var spansAllEpochs: Bool { kind == .cosine || kind == .oneCycle }

  /// - Throws: `EvenkeelError` with code `usage` for a number out of range.
  func validate() throws {
    guard warmUp >= 0 else { throw EvenkeelError.usage("The warm-up is \(warmUp) steps; expected 0 or more.") }
    switch kind {
    case .step(let every, let factor):
      guard every > 0 else {
        throw EvenkeelError.usage("The schedule steps every \(every) epochs; expected at least 1.")
      }
      guard factor.isFinite, factor > 0 else {
        throw EvenkeelError.usage("The schedule's factor is \(factor); expected a number above 0.")
      }
    case .exponential(let factor):
      guard factor.isFinite, factor > 0 else {
        throw EvenkeelError.usage("The schedule's factor is \(factor); expected a number above 0.")
      }
    case .constant, .cosine, .oneCycle: break
    }
  }

  /// The factor for step `step` (from 0) of `total`, with `stepsPerEpoch` steps per epoch.
  func factor(step: Int, total: Int, stepsPerEpoch: Int) -> Double {
    let rise = step < warmUp ? Double(step + 1) / Double(warmUp) : 1
    let epoch = Double(step / max(stepsPerEpoch, 1))
    let progress = Double(step) / Double(max(total, 1))
    switch kind {
    case .constant: return rise
    case .step(let every, let factor): return rise * pow(factor, (epoch / Double(every)).rounded(.down))
    case .exponential(let factor): return rise * pow(factor, epoch)
    case .cosine: return rise * (1 + cos(Double.pi * progress)) / 2
    case .oneCycle:
      func cosine(_ from: Double, _ to: Double, _ part: Double) -> Double {
        to + (from - to) * (1 + cos(Double.pi * part)) / 2
      }
      return rise * (progress < 0.3 ? cosine(0.04, 1, progress / 0.3) : cosine(1, 4e-6, (progress - 0.3) / 0.7))
    }
  }
}
