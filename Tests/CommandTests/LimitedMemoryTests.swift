import Evenkeel
import EvenkeelTestSupport
import Testing

/// Runs the command with 500 MB of address space, and one thread: each takes some for its stack.
private func limited(_ arguments: [String], _ script: String) throws -> (code: Int32, output: String, errors: String) {
  try run(arguments + ["--threads", "1"], variables: ["sh", "-c", "ulimit -v 500000; \(script)"])
}

private func expectRefusal(
  _ result: (code: Int32, output: String, errors: String), _ code: Int32, _ beginning: String, _ end: String = "."
) {
  #expect(result.code == code)
  #expect(result.errors.hasPrefix("evenkeel: \(beginning)"), "\(result.errors)")
  #expect(result.errors.contains("of memory; the limit of the address space (ulimit -v) leaves "))
  #expect(result.errors.hasSuffix(end + "\n") && result.errors.count { $0 == "\n" } == 1)
  #expect(result.output.isEmpty)
}

@Suite(.enabled(if: command != nil, "the command is not built"))
struct LimitedMemoryTests {
  @Test func gzipThatInflatesToMoreThanCanBeMappedIsRefused() throws {
    try withTemporaryPath(".csv.gz") { path in
      // 600 members of a megabyte each.
      let made = try run(
        [path],
        variables: [
          "sh", "-c",
          "f=\"$1\"; head -c 1000000 /dev/zero | gzip -9 > \"$f.1\"; "
            + "for i in 1 2 3 4 5 6; do cat \"$f.1\" \"$f.1\" \"$f.1\" \"$f.1\" \"$f.1\"; done > \"$f.30\"; "
            + "for i in 1 2 3 4 5; do cat \"$f.30\" \"$f.30\" \"$f.30\" \"$f.30\"; done > \"$f\"; rm \"$f.1\" \"$f.30\"",
        ])
      try #require(made.code == 0)
      expectRefusal(
        try limited(["train", path], "exec \"$0\" \"$@\""), 65, "\(path), mapped, takes 600.0 MB of memory")
    }
  }

  @Test func aPipeThatGivesMoreThanCanBeMappedIsRefused() throws {
    expectRefusal(
      try limited(["train", "/dev/stdin"], "head -c 600000000 /dev/zero | \"$0\" \"$@\""), 65,
      "/dev/stdin, mapped, takes 600.0 MB of memory")
  }

  @Test func categoriesThatMakeMoreFeaturesThanThereIsMemoryForAreRefused() throws {
    // An eighth of the rows are alike, or each column would be one of names.
    let header = (0..<800).map { "c\($0)" }.joined(separator: ",") + ",y\n"
    let rows = (0..<500).map { row in (0..<800).map { "v\(max(row, 60))_\($0)," }.joined() + "\(row % 2)\n" }
    try withTemporaryPath(".csv", containing: header + rows.joined()) { path in
      let result = try limited(["train", path, "--network", "mlp"], "exec \"$0\" \"$@\"")
      expectRefusal(result, 65, "\(path): a table of 400 rows and ")
      #expect(result.errors.contains("00 features (most of them in c0: "), "\(result.errors)")
    }
  }

  @Test(arguments: [(3_000_000, "24000002"), (300_000_000, "2400000002")])
  func aNetworkTooLargeToBeTrainedIsRefused(units: Int, values: String) throws {
    try withTemporaryPath(".csv", containing: "1,2,3,4,5,0\n2,3,4,5,6,1\n3,4,5,6,8,0\n2,4,6,8,9,1\n") { data in
      try withTemporaryPath(".yaml", containing: "input: [5]\nlayers:\n  - dense: \(units)\n  - dense: 2\n") {
        network in
        expectRefusal(
          try limited(["train", data, "--network", network], "exec \"$0\" \"$@\""), 64,
          "Training a network of \(values) learned values takes ")
      }
    }
  }

  @Test func aBatchTooLargeForMemoryIsRefusedAndASmallerOneSuggested() throws {
    try withTemporaryPath(
      ".yaml", containing: "input: [28, 28]\nlayers:\n  - flatten\n  - dense: 8000\n  - dense: 10\n"
    ) {
      network in
      expectRefusal(
        try limited(["train", "digits", "--network", network, "--batch-size", "8000"], "exec \"$0\" \"$@\""), 64,
        "A batch of 5000 examples takes ", "A smaller batch takes less.")
    }
  }

  /// The four parts of this batch hold 260 MB of values. Where half of what is left is enough they stay between norms, otherwise the
  /// parts take turns.
  @Test func aBatchInPartsHasTheSameBitsWhereThereIsNoRoomForAllOfThem() throws {
    let norms = String(repeating: "  - batchNorm\n  - tanh\n", count: 12)
    let network = "input: [28, 28]\nlayers:\n  - flatten\n\(norms)  - dense: 10\n"
    try withTemporaryFolder { folder in
      let path = folder + "/network.yaml"
      writeBytes(Array(network.utf8), to: path)
      func train(_ name: String, script: String) throws -> [UInt8] {
        let output = folder + "/\(name).safetensors"
        let arguments = [
          "train", "digits", "--network", path, "--batch-size", "5000", "--accumulate", "4", "--batch-statistics",
          "whole",
          "--epochs", "2", "--quiet", "--threads", "1", "--output", output,
        ]
        let result = try run(arguments, variables: ["sh", "-c", script])
        try #require(result.code == 0, "\(result.errors)")
        return try FileBytes(output).copy
      }
      let free = try train("free", script: "exec \"$0\" \"$@\"")
      let limited = try train("limited", script: "ulimit -v 500000; exec \"$0\" \"$@\"")
      #expect(limited == free)
    }
  }
}
