import EvenkeelLab
import EvenkeelTestSupport
import Glibc

/// A report with every kind of picture, of numbers that are drawn up, not measured: shaped as runs on MNIST are.
enum SampleReport {
  static let report = Report(
    title: "What batch normalization does for a network on MNIST", date: "24 November 2026",
    data: "MNIST: 50,000 images to train on, 10,000 to validate, 28 × 28 gray values",
    machine: "2 cores of an x86-64 processor with AVX-512, one thread per trial", version: "Evenkeel 0.3, rules 1",
    claims: [faster, range, still, round, small, deeper, redundant])

  static let faster = ClaimReport(
    name: "faster", title: "Batch norm trains faster",
    question: "How many steps does the sigmoid network of the original paper need to 95 % accuracy, with and without?",
    setup: [
      "Three hidden layers of 100 sigmoid units on 784 inputs, batches of 60, weights from a Gaussian with deviation 0.1, plain gradient descent. Each side runs at its own best learning rate out of seven, chosen on seeds that do not count below.",
      "Accuracy is that on 10,000 validation images, every 500 steps.",
    ],
    figures: [accuracy, steps],
    tables: [
      NumberTable(
        "Steps and time to 95 % accuracy",
        columns: ["Network", "Side", "Learning rate", "Steps", "Time (s)", "Accuracy (%)"],
        rows: [
          ["sigmoid", "batch norm", 1.0, .estimate(2480, low: 2210, high: 2790), 2.61, 98.02],
          ["sigmoid", "none", 0.5, .estimate(14_120, low: 12_900, high: 15_640), 11.94, 96.11],
          ["ReLU", "batch norm", 0.5, .estimate(812, low: 744, high: 903), 0.88, 98.31],
          ["ReLU", "none", 0.2, .number(nil), .number(nil), 97.9],
        ])
    ],
    verdict: .supported, effect: Effect("times fewer steps to 95 %", value: 5.69, low: 4.83, high: 6.72),
    rule:
      "Supported if the 95 % bootstrap interval of the ratio of steps lies above 1 for both networks, not supported if it lies below 1 for one of them, else undecided.",
    command: "evenkeel lab run faster --data ../data/mnist --seeds 5 --budget 10m", seeds: 5, trials: 84,
    divergedTrials: 3,
    notes: ["A step with batch norm takes 1.24 times as long, so in seconds the ratio is 4.6."])

  static let accuracy = Figure(
    "Validation accuracy while training",
    caption: "Median of five seeds; the band goes from the worst seed to the best.",
    x: Axis("Training step"), y: Axis("Validation accuracy", unit: "%", range: 0...100),
    plot: .curves([
      course("batch norm", .with, final: 98, time: 2100, start: 10),
      course("no normalization", .without, final: 96.2, time: 7400, start: 9, delay: 3000),
    ]), references: [.y(95, "target 95 %")])

  static let steps = Figure(
    "Steps to 95 % accuracy",
    caption: "Dots are medians over five seeds, whiskers 95 % bootstrap intervals. Fewer is better.",
    x: Axis("Training steps", scale: .logarithmic), y: Axis("Network"),
    plot: .intervals([
      Interval("784-100-100-100-10, sigmoid", name: "batch norm", side: .with, value: 2480, low: 2210, high: 2790),
      Interval(
        "784-100-100-100-10, sigmoid", name: "no normalization", side: .without, value: 14_120, low: 12_900,
        high: 15_640),
      Interval("784-256-256-10, ReLU", name: "batch norm", side: .with, value: 812, low: 744, high: 903),
      Interval("784-256-256-10, ReLU", name: "no normalization", side: .without, value: .nan),
    ]))

  static let range = ClaimReport(
    name: "range", title: "A wider range of hyperparameters works",
    question: "Over learning rate and initial scale, what share of trials comes within 5 % of the best accuracy?",
    setup: ["A grid of 11 learning rates and 9 initial scales, one seed each, 2,000 steps of the sigmoid network."],
    figures: [
      Figure(
        "Accuracy over learning rate and initial scale",
        caption: "Outlined: at least 95 % of the best trial of both sides.",
        x: Axis("Learning rate", scale: .logarithmic), y: Axis("Initial scale", scale: .logarithmic),
        plot: .heatMaps(
          [
            heat("batch norm", .with, width: 1.9, isWide: true),
            heat("no normalization", .without, width: 0.75, isWide: false),
          ],
          value: Axis("Validation accuracy", unit: "%", range: 0...100), threshold: 93)),
      Figure(
        "Accuracy over learning rate and depth", caption: "Few enough cells to print their values.",
        x: Axis("Learning rate", scale: .logarithmic), y: Axis("Hidden layers"),
        plot: .heatMaps(
          [
            Surface(
              "batch norm", side: .with, columns: [0.01, 0.1, 1, 10], rows: [2, 5, 10, 20],
              values: [
                [91.2, 97.3, 98, 96.1], [90.7, 97.2, 97.8, 95], [88.1, 96.4, 97, 71.5], [80, 95.2, 93.4, 40.2],
              ]),
            Surface(
              "no normalization", side: .without, columns: [0.01, 0.1, 1, 10], rows: [2, 5, 10, 20],
              values: [
                [88, 96.2, 97.4, .nan], [31, 90.1, 95.6, .nan], [11.3, 11.4, 11.3, .nan], [11.3, 11.3, nil, nil],
              ]),
          ], value: Axis("Validation accuracy", unit: "%"))),
    ],
    verdict: .supported, effect: Effect("percentage points more of the grid work", value: 31.4, low: 22.7, high: 39.8),
    rule: "Supported if the interval of the difference in shares lies above 0.",
    command:
      "evenkeel sweep --learning-rate 1e-4..10 --init-scale 0.01..10 --normalization batch,none --trials 198 --data ../data/mnist",
    seeds: 1, trials: 198, divergedTrials: 21)

  static let still = ClaimReport(
    name: "covariate-shift", title: "Inputs of later layers hold still",
    question: "How does the input to a typical unit of the last hidden layer move while the layers below it learn?",
    setup: [
      "The unit whose input varies least from the layer's median; 15th, 50th and 85th percentile over 1,000 images."
    ],
    figures: [
      Figure(
        "Input to a unit of the last hidden layer",
        caption: "15th, 50th and 85th percentile, as in the original paper's figure 1.",
        x: Axis("Training step"), y: Axis("Input of the sigmoid"),
        plot: .ribbons([ribbon("without", .without, drift: 1.6), ribbon("with batch norm", .with, drift: 0.12)]))
    ], verdict: .supported, effect: Effect("times less drift of the median", value: 11.2, low: 8.4, high: 15.9),
    rule: "Supported if the interval of the ratio of drifts lies above 1.", command: "evenkeel lab run covariate-shift",
    seeds: 5, trials: 10)

  static let round = ClaimReport(
    name: "contours", title: "The contours of the loss become round",
    question: "Is the loss, around the weights that training has reached, as steep in one direction as in the next?",
    setup: ["Lanczos over exact Hessian-vector products; the loss over the two leading eigenvectors."],
    figures: [
      Figure(
        "Loss over the two leading directions of its Hessian",
        caption: "Both panels: the same network after 2,000 steps.",
        x: Axis("Along the first eigenvector"), y: Axis("Along the second"),
        plot: .contours(
          [
            bowl("with batch norm", .with, note: "λ₁ ∕ λ₂ = 1.6", 1.6, 1, twist: 0.1),
            bowl("without", .without, note: "λ₁ ∕ λ₂ = 14.8", 14.8, 1, twist: 0.9),
          ], value: Axis("Loss")))
    ], verdict: .notSupported, effect: Effect("times smaller condition estimate", value: 1.08, low: 0.71, high: 1.43),
    rule: "Supported if the interval lies above 1.5; not supported if it lies below; else undecided.",
    command: "evenkeel lab run contours", seeds: 5, trials: 10,
    notes: ["Named for <b>markup</b> & \"quotes\" that must come out as text."])

  static let small = ClaimReport(
    name: "small-batches", title: "Small batches break it",
    question: "How does the error grow as the batch shrinks, for batch norm and for what is offered in its place?",
    setup: ["ResNet-20 on CIFAR-10, ten epochs."],
    figures: [
      Figure(
        "Error over batch size", caption: "Median and spread of three seeds.",
        x: Axis("Batch size", scale: .logarithmic), y: Axis("Validation error", unit: "%"),
        plot: .curves([
          sizes("batch norm", .with, [.infinity, 38.1, 24.6, 18.8, 16.9, 16.2, 16.1, 16.8]),
          sizes("none", .without, [29, 28.6, 28.1, 28.3, 28.4, 28.9, 29.9, 33.2]),
          sizes("layer norm", .other(0), [22.1, 21.9, 22, 21.7, 22, 22.3, 22.8, 23.6]),
          sizes("group norm", .other(1), [19.2, 19, 18.7, 18.8, 18.9, 19.3, 20, 21.1]),
          sizes("instance norm", .other(2), [24.1, 23.9, 24, 23.7, 24, 24.3, 24.8, 25.6]),
          sizes("renorm", .other(3), [.nan, 27.1, 20.2, 17.9, 16.8, 16.3, 16.2, 16.9]),
        ])),
      Figure(
        "Loss over steps on a logarithmic scale",
        caption: "A line that ends in a cross ends because its trials diverged.",
        x: Axis("Training step"), y: Axis("Training loss", scale: .logarithmic),
        plot: .curves([
          Curve(
            "batch norm", side: .with,
            points: (0...60).map { Curve.Point(Double($0) * 50, 2.3 * exp(-Double($0) / 12) + 0.02) }),
          Curve(
            "none, learning rate 10", side: .without,
            points: (0...60).map { Curve.Point(Double($0) * 50, $0 < 22 ? 2.3 * exp(Double($0) / 9) : .nan) }),
        ])),
    ], verdict: .supported,
    effect: Effect("percentage points more error at 2 than at 32", value: 21.9, low: 18.2, high: 26.4),
    rule: "Supported if batch norm's error at 2 lies above that at 32 by more than group norm's, interval included.",
    command: "evenkeel lab run small-batches --data ../data/cifar10", seeds: 3, trials: 144, divergedTrials: 6)

  static let deeper = ClaimReport(
    name: "deeper", title: "Deeper networks train", question: "Up to how many layers does training get anywhere?",
    setup: ["2 to 50 hidden layers of 100 units."],
    figures: [
      Figure(
        "Accuracy over depth", caption: "The budget ended before a trial of this experiment did.",
        x: Axis("Hidden layers"), y: Axis("Validation accuracy", unit: "%"), plot: .curves([]))
    ], verdict: .undecided, rule: "Supported if the deepest network that reaches 90 % has at least twice the layers.",
    command: "evenkeel lab run deeper --budget 2m", seeds: 5, trials: 0,
    notes: ["The budget was too short: a trial takes about 40 s."])

  static let redundant = ClaimReport(
    name: "bias", title: "The bias in front of it is redundant",
    question: "Does a bias ahead of batch norm change anything?",
    setup: ["With a bias and without."],
    tables: [
      NumberTable(
        "Gradient of the bias", columns: ["Layer", "Largest magnitude of the gradient", "Accuracy (%)"],
        rows: [["1", 3.1e-9, 97.94], ["2", 8.4e-10, 97.95], ["3", 2.2e-9, 97.99]])
    ], verdict: .undecided, effect: Effect("points of accuracy", value: 0.012, low: -0.081, high: 0.093),
    rule: "Supported if the interval of the difference lies within ±0.1.", command: "evenkeel lab run bias", seeds: 5,
    trials: 10)

  /// Deviations that look like noise and are the same each time.
  private static func noise(_ index: Int) -> Double { sin(Double(index) * 12.9898) * cos(Double(index) * 4.1414) }

  private static func course(
    _ name: String, _ side: Side, final: Double, time: Double, start: Double, delay: Double = 0
  ) -> Curve {
    let x = (0...60).map { Double($0) * 500 }
    let seeds = (0..<5).map { seed in
      x.enumerated().map { index, step in
        let progress = 1 - exp(-max(0, step - delay * (1 + 0.25 * noise(seed + 3))) / time)
        let value = start + (final - start) * progress
        return value + noise(index * 7 + seed * 131) * (0.3 + 4 * (1 - progress) * progress)
      }
    }
    return Curve(name, side: side, x: x, seeds: seeds)
  }

  private static func ribbon(_ name: String, _ side: Side, drift: Double) -> Curve {
    Curve(
      name, side: side,
      points: (0...100).map { index in
        let time = Double(index) / 100
        let middle = drift * (sin(5 * time) * exp(-time) - 0.4 * time) + 0.05 * drift * noise(index)
        let half = 0.7 + drift * 0.6 * time + 0.04 * noise(index + 400)
        return Curve.Point(time * 50_000, middle, low: middle - half, high: middle + half)
      })
  }

  private static func heat(_ name: String, _ side: Side, width: Double, isWide: Bool) -> Surface {
    let rates = (0..<11).map { pow(10, -4 + 0.5 * Double($0)) }
    let scales = (0..<9).map { pow(10, -2 + 0.375 * Double($0)) }
    let values = scales.enumerated().map { row, scale in
      rates.enumerated().map { column, rate -> Double? in
        if row == 8, column > 8 { return nil }
        let (u, v) = (log10(rate) + 0.6, log10(scale) + (isWide ? 0 : 1))
        if rate * scale > (isWide ? 25 : 2) { return .nan }
        let distance = (u * u / (width * width) + v * v / (isWide ? 6 : 0.5))
        return 11.3 + 86.5 / (1 + pow(distance, 2.2)) + noise(row * 13 + column)
      }
    }
    return Surface(name, side: side, columns: rates, rows: scales, values: values)
  }

  private static func bowl(
    _ name: String, _ side: Side, note: String, _ first: Double, _ second: Double, twist: Double
  ) -> Surface {
    let places = (-15...15).map { Double($0) / 15 }
    return Surface(
      name, side: side, note: note, columns: places, rows: places,
      values: places.map { y in
        places.map { x in
          x > 0.9 && y > 0.9 && twist > 0.5
            ? .nan : 0.21 + 0.1 * (first * x * x + second * y * y) + twist * 0.06 * x * y * (y - x) + 0.02 * twist * y
        }
      })
  }

  private static func sizes(_ name: String, _ side: Side, _ errors: [Double]) -> Curve {
    Curve(
      name, side: side,
      points: errors.enumerated().map { index, error in
        let spread = 0.4 + 0.04 * error * (1 + noise(index))
        return Curve.Point(pow(2, Double(index + 1)), error, low: error - spread, high: error + spread)
      }, isMarked: true)
  }
}
