import Evenkeel
import EvenkeelTestSupport
import Testing

/// A table that training must get through, or refuse with a sentence: its name, its text, and what the command says of it.
private struct SmallTable: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let text: String
  let rows: Int
  var said = ""

  init(_ name: String, _ header: String, rows: Int, saying said: String = "", _ row: (Int) -> [String]) {
    testDescription = name
    text = header + "\n" + (0..<rows).map { row($0).joined(separator: ",") + "\n" }.joined()
    (self.rows, self.said) = (rows, said)
  }

  private static func number(_ row: Int) -> String { "\(row * 7 % 11)" }
  private static func label(_ row: Int) -> String { row % 3 == 0 ? "b" : "a" }

  static let all = [
    SmallTable("a constant column", "a,b,y", rows: 80, saying: "1 column is constant in the training rows: a") {
      ["5", number($0), label($0)]
    },
    SmallTable("nothing but a constant column", "a,y", rows: 80, saying: "1 column is constant") { ["5", label($0)] },
    SmallTable("a column of missing cells", "a,b,y", rows: 80, saying: "constant in the training rows: a, a missing") {
      ["", number($0), label($0)]
    },
    SmallTable("a column of one value or none", "a,b,y", rows: 80, saying: "1 column is constant") {
      [$0 % 2 == 0 ? "" : "3", number($0), label($0)]
    },
    SmallTable("a value thirty deviations away", "a,b,y", rows: 950) {
      [$0 == 40 ? "100000" : "\($0 * 13 % 17)", number($0), label($0)]
    },
    SmallTable("twelve rows", "a,b,y", rows: 12) { ["\($0 * 5 % 7)", number($0), label($0)] },
    SmallTable("twelve rows of values", "a,b,y", rows: 12) { ["\($0 * 5 % 7)", number($0), "\(Double($0) * 1.5)"] },
    SmallTable("a class of two rows", "a,b,y", rows: 80) {
      ["\($0 * 5 % 7)", number($0), $0 == 10 || $0 == 50 ? "rare" : label($0)]
    },
    SmallTable("more columns than rows", (0..<500).map { "c\($0)" }.joined(separator: ",") + ",y", rows: 60) { row in
      wave(500, 0.1 * Double(row + 1), 3).map { "\($0)" } + [label(row)]
    },
    SmallTable("a target of one value", "a,y", rows: 60) { [number($0), "2.5"] },
  ]
}

@Test(.enabled(if: command != nil, "the command is not built"), arguments: SmallTable.all)
private func aSmallOrOddTableTrainsAndPredicts(table: SmallTable) throws {
  try withTemporaryPath(".csv", containing: table.text) { path in
    try withTemporaryPath { model in
      let training = try run([
        "train", path, "--target", "y", "--epochs", "2", "--hidden", "16", "--quiet", "--output", model,
      ])
      #expect(training.code == 0, "\(training.errors)")
      #expect(table.said.isEmpty || training.errors.contains(table.said), "\(training.errors)")
      let predictions = try run(["predict", model, path])
      #expect(predictions.code == 0 && predictions.errors.isEmpty, "\(predictions.errors)")
      let lines = predictions.output.split(separator: "\n").dropFirst()
      #expect(lines.count == table.rows)
      for line in lines {
        #expect(line.split(separator: ",").allSatisfy { Double($0).map(\.isFinite) ?? true }, "\(line)")
      }
      let examined = try run(["inspect", model, path])
      #expect(examined.code == 0, "\(examined.errors)")
    }
  }
}

@Test(.enabled(if: command != nil, "the command is not built"))
func aNetworkFileOfMembersTrainsAndPredictsATable() throws {
  let table = "city,a,b,y\n" + (0..<120).map { "c\($0 % 4),\($0 % 7),\($0 % 5),\($0 % 3 == 0 ? "b" : "a")\n" }.joined()
  let network = """
    input: [6]
    layers:
      - piecewiseLinear: {bins: 4, width: 3, features: [4, 5]}
      - ensemble: 3
      - dense: 8
      - batchNorm
      - relu
      - memberDense: 2
    """
  try withTemporaryPath(".csv", containing: table) { table in
    try withTemporaryPath(".yaml", containing: network) { network in
      try withTemporaryPath { model in
        let training = try run([
          "train", table, "--target", "y", "--network", network, "--epochs", "2", "--quiet", "--output", model,
        ])
        #expect(training.code == 0, "\(training.errors)")
        let predictions = try run(["predict", model, table])
        let lines = predictions.output.split(separator: "\n").dropFirst()
        #expect(lines.count == 120, "\(predictions.errors)")
        for line in lines {
          let sum = line.split(separator: ",").dropFirst().reduce(0) { $0 + Double($1)! }
          #expect(abs(sum - 1) < 1e-5, "\(line)")
        }
        let inspected = try run(["inspect", model])
        #expect(inspected.code == 0 && inspected.output.contains("memberDense"), "\(inspected)")
      }
    }
  }
}
