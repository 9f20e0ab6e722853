import Evenkeel
import EvenkeelServer
import EvenkeelTestSupport
import Testing

@Suite struct PageExportTests {
  @Test func ofManyStepsThoseWithTheExtremeLossesAreKept() throws {
    let steps = (1...10_000).map { number in
      let loss = number == 4_321 ? 9.5 : number == 8_765 ? 0.001 : 1.0
      return "{\"event\":\"step\",\"time\":1,\"step\":\(number),\"loss\":\(loss)}\n"
    }
    try withTemporaryPath(".jsonl", containing: startLine() + steps.joined()) { path in
      let page = try WatchPage.export(WatchedLogs([path]))
      let count = page.split(separator: "\"event\":\"step\"").count - 1
      #expect((1_000...2_000).contains(count), "\(count)")
      #expect(
        page.contains("\"step\":4321,") && page.contains("\"step\":8765,") && page.contains("\"event\":\"start\""))
    }
  }

  @Test func nothingInALogEndsTheScriptThatHoldsIt() throws {
    let hostile = startLine().replacing(
      "\"epochs\"", with: "\"command\":\"</script><script>alert(1)</script><!--\",\"epochs\"")
    try withTemporaryPath("<img src=x onerror=alert(1)>.jsonl".replacing("/", with: ""), containing: hostile) { path in
      let page = try WatchPage.export(WatchedLogs([path]))
      #expect(!page.contains("<script>alert") && !page.contains("<!--") && !page.contains("<img"))
      #expect(page.contains("\\u003c/script>"))
    }
  }

  @Test func withoutALogThereIsNoPage() {
    expectError("nowhere.jsonl: there is no log of a run yet", code: .noInput) {
      _ = try WatchPage.export(WatchedLogs(["/nowhere.jsonl"]))
    }
  }
}
