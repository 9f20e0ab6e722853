import Evenkeel
import EvenkeelLab
import EvenkeelTestSupport
import GRDB
import Glibc
import Testing

/// A store as its first form was, with two runs that are done, one that waits and a plan.
/// - Parameter isLoose: As for `copyAsOldStore`.
func makeOldStore(_ path: String, isLoose: Bool = false) throws -> [Trial] {
  let data = try smallData()
  let trials = (1...3).map { smallTrial(data, seed: $0, steps: 4) }
  try withTemporaryPath(".sqlite") { new in
    let store = try RunStore(new)
    try TrialRunner(store: store, data: data, threads: 1).run(Array(trials[..<2]))
    try store.add([trials[2]])
    try store.keep([Plan(claim: "scale-and-shift", data: data.description, seeds: 2, size: 0)], for: "a")
    try copyAsOldStore(new, to: path, isLoose: isLoose)
  }
  return trials
}

/// Writes `bytes` alone, without what a journal beside them would add.
func renew(_ path: String, _ bytes: [UInt8]) {
  for end in ["-wal", "-shm", "-journal"] { unlink(path + end) }
  writeBytes(bytes, to: path)
}
