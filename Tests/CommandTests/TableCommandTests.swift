import Evenkeel
import EvenkeelTestSupport
import Glibc
import Testing

/// Row numbers, an identifier, a number, texts among numbers, and a target that is missing in every tenth row.
private func text(hasIdentifier: Bool = true) -> String {
  "\"\",\(hasIdentifier ? "id," : "")a,kind,y\n"
    + (0..<60).map { row in
      "\(row + 1),\(hasIdentifier ? "\(row % 5)," : "")\(row % 7),\(row % 3 > 0 ? "4" : "f"),"
        + (row % 10 == 4 ? "\n" : "\(Double(row) / 2)\n")
    }.joined()
}

@Test(.enabled(if: command != nil, "the command is not built"))
func theCommandTrainsEvaluatesAndPredictsATableAsPeopleHaveIt() throws {
  try withTemporaryPath(".csv", containing: text()) { table in
    try withTemporaryPath { model in
      let checkpoint = String(model.dropLast(12)) + ".checkpoint.safetensors"
      defer { unlink(checkpoint) }
      let options = ["--hidden", "8", "--batch-size", "16", "--members", "1", "--quiet"]
      let training = try run(["train", table, "--ignore", "id", "--epochs", "1", "--output", model] + options)
      #expect(training.code == 0, "\(training.errors)")
      let about = training.errors.split(separator: "\n").filter { $0.contains(table) }
      #expect(about.count == 3, "\(training.errors)")
      for sentence in ["6 rows have no target", "first column has no name", "kind (\"f\" in line 2)"] {
        #expect(about.contains { $0.contains(sentence) }, "\(sentence) in \(about)")
      }
      let names = try Model(contentsOf: model).encoding?.featureNames
      #expect(names == ["a", "kind=4", "kind=f"])
      let quality = try run(["evaluate", model, table])
      #expect(quality.code == 0 && quality.output.contains("on 54 examples"), "\(quality)")
      let predictions = try run(["predict", model, table])
      #expect(predictions.output.split(separator: "\n").count == 61 && predictions.errors.isEmpty)
      // A column that is ignored changes nothing, there or not.
      try withTemporaryPath(".csv", containing: text(hasIdentifier: false)) { plain in
        let (predicted, evaluated) = (try run(["predict", model, plain]), try run(["evaluate", model, plain]))
        #expect(predicted.output == predictions.output && evaluated.output == quality.output)
      }
      // A run goes on with the columns that it began with.
      let more = ["train", table, "--epochs", "2", "--batch-size", "16", "--quiet", "--resume", checkpoint]
      let (other, same) = (try run(more), try run(more + ["--ignore", "id"]))
      #expect(other.code == 65 && same.code == 0, "\(other.errors)\(same.errors)")
    }
    for (name, sentence) in [("q", "no column \"q\" to ignore"), ("y,kind", "both the target and ignored")] {
      let refused = try run(["train", table, "--target", "y", "--ignore", name])
      #expect(refused.code == 64 && refused.errors.contains(sentence), "\(refused.errors)")
    }
  }
}

@Test(.enabled(if: command != nil, "the command is not built"))
func whatIsSaidBeforeTrainingIsWhatIsTrained() throws {
  try withTemporaryPath(".csv", containing: smallTable) { table in
    try withTemporaryFolder { folder in
      let words = ["train", table, "--epochs", "2", "--batch-size", "24", "--output", folder + "/m.safetensors"]
      let described = try run(words + ["--hidden", "8", "--members", "1"])
      #expect("\(described)".contains("a network of 8 units"), "\(described)")
      #expect("\(described)".contains("at most 2 epochs in batches of 24"), "\(described)")
      let network = folder + "/network.yaml"
      writeBytes(Array("input: [2]\nlayers:\n  - dense: 8\n  - relu\n  - dense: 2\n".utf8), to: network)
      let own = try run(words + ["--network", network])
      #expect("\(own)".contains("at most 2 epochs in batches of 24"), "\(own)")
      #expect(!"\(own)".contains("a linear map and hidden layers"), "\(own)")
    }
  }
}
