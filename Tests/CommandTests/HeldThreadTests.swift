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
      "train", "digits", "--hidden", "512,512", "--batch-size", "256", "--epochs", "12", "--json",
      "--threads", "\(threads)", "--output", output,
    ]
  }
  try withTemporaryFolder { folder in
    let (alone, held) = (folder + "/alone.safetensors", folder + "/held.safetensors")
    let result = try run(arguments(alone, threads: 1))
    try #require(result.code == 0, "\(result.errors)")
    let (output, errors) = (folder + "/output", folder + "/errors")
    let process = try start(arguments(held, threads: 2), output: output, errors: errors)
    // The calling thread and its helper, after the first epoch; threads that drew the data have ended.
    let isTraining = wait(for: process) { FileManager.default.contents(atPath: output)?.isEmpty == false }
    #expect(isTraining)
    let team = try threads(of: process).prefix(2).map(\.thread)
    for _ in 0..<3 {
      for thread in team {
        #expect(ek_test_hold(thread) == 0)
        usleep(40_000)
        #expect(ek_test_release(thread) == 0)
        usleep(10_000)
      }
    }
    let status = end(process)
    let message = String(decoding: try FileBytes(errors).copy, as: UTF8.self)
    #expect(status == 0, "\(message)")
    let (bits, expected) = (try FileBytes(held).copy, try FileBytes(alone).copy)
    #expect(bits == expected)
  }
}
