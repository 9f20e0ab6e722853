import EvenkeelTestSupport
import Glibc
import Testing

@Suite(.enabled(if: command != nil, "the command is not built"))
struct Latin1CommandTests {
  /// ü in Latin-1, in the first row or in the last.
  private func table(isLate: Bool) -> [UInt8] {
    let rows = (0..<60).map { "\($0 % 2 == 0 ? "Mull" : "Lang"),\($0),\($0 % 3 == 0 ? "a" : "b")" }
    let odd: [UInt8] = Array("M".utf8) + [0xFC] + Array("ller,7,a\n".utf8)
    let plain = Array(rows.joined(separator: "\n").utf8) + [10]
    return Array("n,x,y\n".utf8) + (isLate ? plain + odd : odd + plain)
  }

  @Test(arguments: [false, true])
  func aTableInLatin1IsPredictedAndEvaluatedPartByPart(isLate: Bool) throws {
    try withTemporaryPath(".csv", containing: table(isLate: isLate)) { table in
      try withTemporaryPath { model in
        defer { unlink(String(model.dropLast(12)) + ".checkpoint.safetensors") }
        let trained = try run(["train", table, "--epochs", "1", "--hidden", "4", "--quiet", "--output", model])
        #expect(trained.code == 0, "\(trained.errors)")
        let predicted = try run(["predict", model, table])
        #expect(predicted.code == 0 && predicted.output.split(separator: "\n").count == 62, "\(predicted.errors)")
        let evaluated = try run(["evaluate", model, table])
        #expect(evaluated.code == 0 && evaluated.errors.contains("is read as Latin-1"), "\(evaluated.errors)")
      }
    }
  }
}
