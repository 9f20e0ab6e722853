import EvenkeelLab

/// A report of what layouts break at: long words, many parties, values of any size.
enum HardReport {
  static let empty = "Accuracy over depth"
  static let long = "Aquitewordythingwithoutasinglespaceinitwhichgoesonforlongerthananyphoneiswideandthensomemore"

  static let report = Report(
    title: long, date: long, data: long, machine: long, version: long,
    claims: [
      ClaimReport(
        name: long, title: long, question: long, setup: [long], figures: figures,
        tables: [
          NumberTable(
            long, columns: [long, "n", long], rows: [[.text(long), .number(.nan), 1e-300], ["a", 2, 1e300]])
        ],
        verdict: .notSupported, effect: Effect(long, value: -1e12, low: -1e13, high: 1e-12), rule: long, command: long,
        seeds: 1_000_000, trials: 1, divergedTrials: 1, notes: [long]),
      ClaimReport(
        name: long, title: "", question: "", setup: [], verdict: .undecided, rule: "", command: "", seeds: 0, trials: 0),
    ])

  private static let figures: [Figure] = [
    Figure(
      "Many lines", caption: long, x: Axis("x"), y: Axis("y"),
      plot: .curves((0..<12).map { Curve("party number \($0)", side: .other($0), x: [0, 1, 2], seeds: [[0, 1, 1]]) })),
    Figure(
      "Long names", caption: "c", x: Axis("x", scale: .logarithmic), y: Axis("y", scale: .logarithmic),
      plot: .curves([Curve(long, side: .with, x: [1e-30, 1, 1e30], seeds: [[1e-200, 0, 1e200], [-1, .nan, 3]])])),
    Figure(
      "Values of any size", caption: "c", x: Axis("x"), y: Axis("y"),
      plot: .curves([Curve("a", side: .with, x: [-1e308, 0, 1e308], seeds: [[-1.7e308, 0, 1.7e308]])])),
    Figure(
      "Nearly the same values", caption: "c", x: Axis("x"), y: Axis("y"),
      plot: .curves([Curve("a", side: .with, x: [1, 2], seeds: [[0.970_000_1, 0.970_000_2]])])),
    Figure(
      "One value", caption: "c", x: Axis("x"), y: Axis("y"),
      plot: .curves([Curve("a", side: .with, x: [5], seeds: [[3]])])),
    Figure(
      "Long categories", caption: "c", x: Axis("x", unit: "ms"), y: Axis("What"),
      plot: .intervals([
        Interval(long, name: long, side: .with, value: 1e9, low: -1e9, high: 2e9),
        Interval("b", name: "short", side: .without, value: 3),
      ])),
    Figure(
      "Many cells", caption: "c", x: Axis("x"), y: Axis("y"),
      plot: .heatMaps(
        (0..<4).map { panel in
          Surface(
            long, side: .other(panel), note: long, columns: (0..<40).map { Double($0 * $0) },
            rows: [123_456, 234_567.8],
            values: [[Double?]](repeating: (0..<40).map { Double($0) * 1e5 }, count: 2))
        }, value: Axis("v"), threshold: 1e6)),
    Figure(
      "Contours of a strip", caption: "c", x: Axis("x", range: -1...1), y: Axis("y"),
      plot: .contours(
        [
          Surface("flat", side: .with, columns: [0, 1], rows: [0, 100], values: [[1, 1], [1, 1]]),
          Surface(
            "steep", side: .without, note: long, columns: [-1, 0, 1], rows: [0, 1e-5],
            values: [[1, 0, 1], [1e9, .nan, nil]]),
        ], value: Axis("v"))),
    Figure(
      empty, caption: "c", x: Axis("x"), y: Axis("y"), plot: .curves([Curve("a", side: .with, x: [1], seeds: [[.nan]])])
    ),
  ]
}
