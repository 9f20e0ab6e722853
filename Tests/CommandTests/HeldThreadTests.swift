import Evenkeel
import EvenkeelTestSupport
import Foundation
import Testing
import ThreadHolder

/// The threads of `process` and the processor time that each has used so far, in ticks, the busiest first.
private func threads(of process: pid_t) throws -> [(thread: Int32, ticks: Int)] {
  let folder = "/proc/\(process)/task"
  return try FileManager.default.contentsOfDirectory(atPath: folder).map { name in
    let text = try String(contentsOfFile: "\(folder)/\(name)/stat", encoding: .utf8)
    // Behind the program's name, which may hold blanks.
    let fields = text[text.lastIndex(of: ")")!...].split(separator: " ")
    return (Int32(name)!, Int(fields[12])!)
  }.sorted { $0.ticks > $1.ticks }
}

/// The system may take any thread away at any moment, for as long as it likes: who is there does the rest, and what one has in
/// hand is waited for.
@Test(.enabled(if: command != nil, "the command is not built"))
func aTrainingWhoseThreadsAreHeldInTurnHasTheBitsOfOneThatRunsAlone() throws {
  func arguments(_ output: String, threads: Int) -> [String] {
    [
      "train", "digits", "--hidden", "512,512", "--batch-size", "256", "--epochs", "8", "--quiet",
      "--threads", "\(threads)", "--output", output,
    ]
  }
  try withTemporaryFolder { folder in
    let (alone, held) = (folder + "/alone.safetensors", folder + "/held.safetensors")
    let result = try run(arguments(alone, threads: 1))
    try #require(result.code == 0, "\(result.errors)")
    let process = try start(
      arguments(held, threads: 2), output: folder + "/output", errors: folder + "/errors")
    // The calling thread and its helper, in the middle of steps.
    let isRunning = try wait(for: process) {
      let busy = try threads(of: process)
      return busy.count > 1 && busy[1].ticks >= 10
    }
    #expect(isRunning)
    let team = try threads(of: process).prefix(2).map(\.thread)
    for _ in 0..<5 {
      for thread in team {
        #expect(ek_test_hold(thread) == 0)
        usleep(60_000)
        #expect(ek_test_release(thread) == 0)
        usleep(20_000)
      }
    }
    let errors = String(decoding: try FileBytes(folder + "/errors").copy, as: UTF8.self)
    #expect(end(process) == 0, "\(errors)")
    #expect(try FileBytes(held).copy == FileBytes(alone).copy)
  }
}
