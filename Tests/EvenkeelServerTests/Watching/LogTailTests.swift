import Evenkeel
import EvenkeelServer
import EvenkeelTestSupport
import Glibc
import Testing

extension LogTail {
  /// All that there is now; "reset" where the log begins anew.
  fileprivate mutating func all() -> [String] {
    var told: [String] = []
    while let reading = read() {
      switch reading {
      case .replaced: told.append("reset")
      case .lines(let lines): told += lines.map { $0.line.text + "\n" }
      }
    }
    return told
  }
}

@Suite struct LogTailTests {
  @Test func aLineIsToldOnceAndOnlyWhenItIsWhole() throws {
    try withTemporaryPath(".jsonl") { path in
      var tail = LogTail(path)
      #expect(tail.all().isEmpty)
      let text = startLine() + (1...40).map { stepLine($0) }.joined()
      var told: [String] = []
      for byte in text.utf8 {
        append(String(decoding: [byte], as: UTF8.self), to: path)
        told += tail.all()
      }
      #expect(told == [startLine()] + (1...40).map { stepLine($0) })
      #expect(tail.all().isEmpty)
    }
  }

  @Test func aLogThatIsCutAndGoesOnIsToldFromItsBeginning() throws {
    try withTemporaryPath(".jsonl") { path in
      append(startLine() + (1...40).map { stepLine($0) }.joined(), to: path)
      var tail = LogTail(path)
      #expect(tail.all().count == 41)
      let kept = startLine() + (1...20).map { stepLine($0) }.joined()
      truncate(path, off_t(kept.utf8.count))
      let rest = startLine(run: 2, step: 20) + (21...60).map { stepLine($0, run: 2) }.joined()
      // Longer than before, so that its length tells nothing.
      append(rest, to: path)
      #expect(tail.all() == ["reset"] + (kept + rest).split(separator: "\n").map { $0 + "\n" })
    }
  }

  @Test func aLogOfAnotherRunTakesThePlaceOfTheFirst() throws {
    try withTemporaryPath(".jsonl") { path in
      append(startLine() + (1...40).map { stepLine($0) }.joined(), to: path)
      var tail = LogTail(path)
      #expect(tail.all().count == 41)
      truncate(path, 0)
      #expect(tail.all() == ["reset"])
      append(startLine(run: 2) + stepLine(1, run: 2), to: path)
      #expect(tail.all() == [startLine(run: 2), stepLine(1, run: 2)])
      // By another file of the same name, and of the same length.
      unlink(path)
      #expect(tail.all().isEmpty)
      append(startLine(run: 3) + stepLine(1, run: 3), to: path)
      #expect(tail.all() == ["reset", startLine(run: 3), stepLine(1, run: 3)])
    }
  }

  @Test func aPlaceHoldsForATailThatIsMadeLater() throws {
    try withTemporaryPath(".jsonl") { path in
      append(startLine() + stepLine(1), to: path)
      var first = LogTail(path)
      _ = first.all()
      append(stepLine(2), to: path)
      var second = LogTail(path, from: first.place)
      #expect(second.all() == [stepLine(2)])
      unlink(path)
      append(startLine(run: 2) + stepLine(1, run: 2) + stepLine(2, run: 2), to: path)
      var third = LogTail(path, from: second.place)
      #expect(third.all().first == "reset")
    }
  }

  @Test func linesOfOtherKindsAreLeftOut() throws {
    try withTemporaryPath(".jsonl") { path in
      let known = [startLine(), stepLine(1)]
      append(known[0] + "no json\n{\"event\":\"later\",\"step\":1}\n{\"event\":\"step\"}\n[]\n\n" + known[1], to: path)
      append("{\"event\":\"step\",\r\"step\":2}\n", to: path)
      var tail = LogTail(path)
      // A carriage return would end a line of an event stream.
      #expect(tail.all() == known + ["{\"event\":\"step\", \"step\":2}\n"])
    }
    try withTemporaryPath(".jsonl", containing: "{\"name\":1}\n{\"event\":\"step\",\"step\":1}\n") { path in
      var tail = LogTail(path)
      #expect(tail.all().isEmpty)
    }
  }

  @Test func anyBytesAreRead() throws {
    let valid =
      startLine() + (1...3).map { stepLine($0) }.joined()
      + "{\"event\":\"end\",\"time\":1,\"step\":3,\"status\":\"finished\"}\n"
    try withTemporaryPath(".jsonl") { path in
      fuzz(Array(valid.utf8)) { bytes in
        writeBytes(bytes, to: path)
        var tail = LogTail(path)
        for line in tail.all() {
          #expect(!line.dropLast().utf8.contains { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") })
        }
        #expect(tail.place.offset <= bytes.count)
      }
    }
  }
}
