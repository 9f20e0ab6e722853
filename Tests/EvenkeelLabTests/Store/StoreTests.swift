import Dispatch
import Evenkeel
import EvenkeelLab
import EvenkeelTestSupport
import GRDB
import Glibc
import Synchronization
import Testing

@Suite struct StoreTests {
  /// An owner that has ended: no process starts before the machine.
  private let gone = RunOwner(host: RunOwner.this.host, process: getpid(), start: "0")
  private let elsewhere = RunOwner(host: "another machine", process: 1, start: "1")

  @Test func doneTrialsAreNotRepeated() throws {
    let data = try smallData()
    try withTemporaryPath(".sqlite") { path in
      let trials = (1...6).map { smallTrial(data, seed: $0) }
      let first = try TrialRunner(store: RunStore(path), data: data).run(trials)
      let ran = Mutex(-1)
      let second = try TrialRunner(store: RunStore(path), data: data).run(
        trials, onProgress: { progress in ran.withLock { $0 = progress.ran } })
      #expect(first.mapValues(\.curve) == second.mapValues(\.curve) && first.count == 6)
      #expect(ran.withLock { $0 } == 0)
      #expect(first[trials[0]]!.curve == (try trials[0].run(on: data)!.curve), "a thread of its own changes no bit")
    }
  }

  /// Two stores on one file, as two processes have them: each trial is run by one.
  @Test func twoLaboratoriesShareAStore() throws {
    let data = try smallData()
    try withTemporaryPath(".sqlite") { path in
      let trials = (1...24).map { smallTrial(data, seed: $0, steps: 40) }
      let total = Mutex(0)
      let failures = Mutex<[String]>([])
      // Both make the file, too.
      @Sendable func work(_ side: Int) {
        do {
          let owner = RunOwner(host: "machine \(side)", process: 1, start: "1")
          let store = try RunStore(path, owner: owner)
          var ran = 0
          let results = try TrialRunner(store: store, data: data, threads: 2).run(trials, onProgress: { ran = $0.ran })
          total.withLock { $0 += ran }
          if results.count != trials.count { failures.withLock { $0.append("\(results.count) results") } }
        } catch { failures.withLock { $0.append("\(error)") } }
      }
      DispatchQueue.concurrentPerform(iterations: 2, execute: work)
      #expect(failures.withLock { $0 }.isEmpty, "\(failures.withLock { $0 })")
      #expect(total.withLock { $0 } == trials.count, "none twice")
    }
  }

  /// Processes that find no store make it at once; none takes the other's work for damage.
  @Test func aStoreThatIsMadeByManyAtOnceIsOpenedByAll() throws {
    for _ in 0..<20 {
      try withTemporaryPath(".sqlite") { path in
        let failures = Mutex<[String]>([])
        DispatchQueue.concurrentPerform(iterations: 6) { _ in
          do { _ = try RunStore(path).runs() } catch { failures.withLock { $0.append("\(error)") } }
        }
        #expect(failures.withLock { $0 }.isEmpty, "\(failures.withLock { $0 })")
      }
    }
  }

  @Test func whatAnEndedProcessHadIsTakenOverAndWhatALivingOneHasIsNot() throws {
    let data = try smallData()
    try withTemporaryPath(".sqlite") { path in
      let trial = smallTrial(data)
      let dead = try RunStore(path, owner: gone)
      try dead.add([trial])
      #expect(try dead.claim(trial.key))
      let store = try RunStore(path)
      #expect(try store.claim(trial.key), "its process is gone")
      #expect(try !RunStore(path, owner: elsewhere).claim(trial.key), "this process lives, and has just been seen")
      try dead.finish(trial.key, TrialResult(curve: [], score: 0.25))
      #expect(try store.result(trial.key) == nil, "who lost a trial does not write its result")
      try store.finish(trial.key, TrialResult(curve: [], score: 0.5))
      #expect(try store.result(trial.key)?.score == 0.5)
      #expect(try !store.claim(trial.key), "done")
    }
  }

  @Test func theLeaseOfAnotherMachineRunsOut() {
    #expect(!elsewhere.isGone(lastSeen: 0, now: RunOwner.lease - 1, from: .this))
    #expect(elsewhere.isGone(lastSeen: 0, now: RunOwner.lease + 1, from: .this))
    #expect(elsewhere.isGone(lastSeen: 1e300, now: 0, from: .this), "it does not have to grow old first")
    #expect(!RunOwner.this.isGone(lastSeen: 0, now: 1e9, from: .this), "this process is there, however silent")
    #expect(RunOwner(RunOwner.this.text) == .this)
  }

  @Test func aStoppedRunKeepsWhatIsDoneAndGivesBackTheRest() throws {
    let data = try smallData()
    try withTemporaryPath(".sqlite") { path in
      let store = try RunStore(path)
      let trials = (1...8).map { smallTrial(data, seed: $0) } + [smallTrial(data, steps: 1_000_000)]
      let done = Atomic(0)
      #expect {
        try TrialRunner(store: store, data: data).run(
          trials, shouldStop: { done.load(ordering: .relaxed) == 8 },
          onProgress: { done.store($0.done, ordering: .relaxed) })
      } throws: { ($0 as? EvenkeelError)?.code == .interrupted }
      let states = try store.runs().map(\.state)
      #expect(states.count { $0 == .done } == 8 && states.count { $0 == .waiting } == 1)
    }
  }

  @Test(arguments: ["x", "this is no database, and longer than a header", "SQLite format 3\u{0}and then nonsense"])
  func aForeignFileIsNamedAndLeftAsItIs(text: String) throws {
    try withTemporaryPath(".sqlite") { path in
      try Model.writeText(text, to: path)
      #expect {
        _ = try RunStore(path)
      } throws: {
        ($0 as? EvenkeelError)?.code == .data && "\($0)".contains(path)
      }
      #expect(try FileBytes(path).copy == Array(text.utf8))
    }
  }

  @Test func anotherProgramsDatabaseIsLeftAsItIs() throws {
    try withTemporaryPath(".sqlite") { path in
      let other = try DatabaseQueue(path: path)
      try other.write { try $0.execute(sql: "CREATE TABLE song (name TEXT)") }
      try other.close()
      let before = try FileBytes(path).copy
      #expect { _ = try RunStore(path) } throws: { "\($0)".contains("another program") }
      #expect(try FileBytes(path).copy == before)
    }
  }

  @Test func aDamagedStoreIsNamedAndLeftAsItIs() throws {
    let data = try smallData()
    try withTemporaryPath(".sqlite") { path in
      let store = try RunStore(path)
      try store.add((1...200).map { smallTrial(data, seed: $0) })
      try store.database.close()
      var bytes = try FileBytes(path).copy
      for index in 8_192..<bytes.count where index % 4_096 < 64 { bytes[index] = 0xff }
      let file = fopen(path, "w")!
      fwrite(bytes, 1, bytes.count, file)
      fclose(file)
      #expect { _ = try RunStore(path) } throws: {
        ($0 as? EvenkeelError)?.code == .data && "\($0)".contains("damaged: ") && !"\($0)".contains("***")
      }
      #expect(try FileBytes(path).copy == bytes)
    }
  }

  @Test func aStoreWithoutATableAndARunThatCannotBeReadAreNamed() throws {
    let data = try smallData()
    try withTemporaryPath(".sqlite") { path in
      let store = try RunStore(path)
      let trials = [smallTrial(data, seed: 1), smallTrial(data, seed: 2)]
      try TrialRunner(store: store, data: data).run(trials)
      let id = try store.runs()[1].id
      try store.database.write { db in
        try db.execute(sql: "UPDATE run SET result = '{\"curve\":1}', trial = '{' WHERE id = ?", arguments: [id])
      }
      #expect { _ = try store.results(of: trials) } throws: { "\($0)".contains("damaged: run \(id), column result: ") }
      #expect { _ = try store.run(id) } throws: { "\($0)".contains("damaged: run \(id), column trial: ") }
      #expect(try store.runs().count == 2, "the list needs neither")
      try store.database.write { try $0.execute(sql: "DROP TABLE plan") }
      try store.database.close()
      #expect {
        _ = try RunStore(path)
      } throws: {
        ($0 as? EvenkeelError)?.code == .data && "\($0)".contains("its table \"plan\" is missing")
      }
    }
  }

  /// As on a medium that cannot be written: what is still in the journal is there too, and the store is left alone.
  @Test func aCopyIsReadWhereNothingCanBeWritten() throws {
    let data = try smallData()
    try withTemporaryPath(".sqlite") { path in
      let store = try RunStore(path)
      try TrialRunner(store: store, data: data).run([smallTrial(data)])
      let before = try ["", "-wal"].map { try FileBytes(path + $0).copy }
      #expect(!before[1].isEmpty)
      let copy = try RunStore(path, owner: .this, copying: true)
      #expect(try copy.runs().map(\.state) == [.done] && copy.result(smallTrial(data).key) != nil)
      #expect(copy.path == path)
      #expect(try ["", "-wal"].map { try FileBytes(path + $0).copy } == before)
      #expect(try RunStore(reading: path).runs().count == 1)
    }
  }

  @Test func whenTheTimeIsOverNoTrialIsBegun() throws {
    let data = try smallData()
    try withTemporaryPath(".sqlite") { path in
      let store = try RunStore(path)
      let trials = (1...8).map { smallTrial(data, seed: $0) }
      let begun = Atomic(0)
      let runner = TrialRunner(store: store, data: data, threads: 1)
      let some = try runner.run(
        trials, shouldStart: { begun.add(1, ordering: .relaxed).newValue <= 3 })
      #expect(some.count == 3)
      #expect(try store.runs().count { $0.state == .done } == 3)
      #expect(try runner.run(trials).count == 8, "and the same call goes on")
      let claim = try Claims.named(["bias-redundant"])[0]
      let plan = Plan(claim: claim.name, data: data.description, seeds: 5, size: 0)
      let run = LaboratoryRun(
        runner: runner, claims: [claim], plans: [plan], speed: Speed(product: 1e-10, layer: 1e-6))
      #expect(try !claim.isDone(plan, run.run(seconds: 0)))
    }
  }

  /// The sentence of an interrupted run counts as the progress does.
  @Test func anInterruptedLaboratoryNamesAllThatItPlanned() throws {
    let data = try smallData()
    try withTemporaryPath(".sqlite") { path in
      let claim = try Claims.named(["trains-faster"])[0]
      let plan = Plan(claim: claim.name, data: data.description, seeds: 5, size: 0)
      let run = LaboratoryRun(
        runner: TrialRunner(store: try RunStore(path), data: data), claims: [claim], plans: [plan],
        speed: Speed(product: 1e-10, layer: 1e-6))
      let shown = Mutex((0, 0))
      let planned = try Set(claim.trials(plan, .assumed)).count
      #expect {
        _ = try run.run(
          shouldStop: { shown.withLock { $0.0 } >= 2 },
          onProgress: { progress in shown.withLock { $0 = (progress.done, progress.total) } })
      } throws: {
        let (done, total) = shown.withLock { $0 }
        return total == planned && "\($0)".contains("Interrupted; \(done) of \(total) trials")
      }
    }
  }

  @Test func aFullDiskAndALockAreSentencesWithCode74() throws {
    for (code, part) in [(ResultCode.SQLITE_FULL, "full"), (.SQLITE_BUSY, "locked"), (.SQLITE_READONLY, "written")] {
      #expect {
        try StoreFile.explained("x.sqlite") { throw DatabaseError(resultCode: code) }
      } throws: {
        ($0 as? EvenkeelError)?.code == .cannotWrite && "\($0)".contains("x.sqlite") && "\($0)".contains(part)
      }
    }
    // SQLite's own limit on pages stands in for a full disk.
    let data = try smallData()
    try withTemporaryPath(".sqlite") { path in
      let store = try RunStore(path)
      try store.add([smallTrial(data)])
      try store.database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA max_page_count = 20") }
      #expect {
        try store.add((2...2_000).map { smallTrial(data, seed: $0) })
      } throws: { "\($0)".contains("the disk is full") }
      #expect(try store.runs().count == 1)
    }
  }

  /// They are shown as they are, and neither their results nor their plans are taken for those of today's rules.
  @Test func runsOfOlderRulesAreReadAndMadeAgain() throws {
    let data = try smallData()
    try withTemporaryPath(".sqlite") { path in
      let store = try RunStore(path)
      let runner = TrialRunner(store: store, data: data)
      let trial = smallTrial(data)
      try runner.run([trial])
      try store.keep([Plan(claim: "trains-faster", data: data.description, seeds: 5, size: 1)], for: "a")
      func becomeOld(_ measures: String) throws {
        try store.database.write { db in
          try db.execute(
            sql: "UPDATE run SET rules = 1, key = ?, result = json_set(result, '$.measures', json(?)) WHERE id = 1",
            arguments: [String(repeating: "0a", count: 16), measures])
          try db.execute(sql: "UPDATE plan SET rules = 1")
        }
      }
      try becomeOld("{\"weights' change\":[0.5],\"batch of 60\":[0.9,\"inf\"]}")
      #expect(try store.result(trial.key) == nil && store.latestPlans().isEmpty)
      #expect(try store.outdatedClaims() == ["trains-faster"])
      try runner.run([trial])
      #expect(try store.runs().map(\.state) == [.done, .done])
      let old = try store.run(1)
      #expect(old.rules == 1 && old.trial == trial)
      #expect(old.result?.measures == [.weightsChange: [0.5], .batchOf60: [0.9, .infinity]])
      try becomeOld("{\"a measure of nobody's\":[1]}")
      expectError("run 1, column result: ") { _ = try store.run(1) }
      #expect(try store.runs().count == 2 && store.result(trial.key) != nil)
    }
  }

  @Test func plansOfARequestAreKept() throws {
    let data = try smallData()
    try withTemporaryPath(".sqlite") { path in
      let store = try RunStore(path)
      let plan = Plan(claim: "trains-faster", data: data.description, seeds: 5, size: 1)
      #expect(try store.plans(for: "a", claims: [plan.claim]) == nil)
      try store.keep([plan], for: "a")
      #expect(try store.plans(for: "a", claims: [plan.claim]) == [plan])
      #expect(try store.latestPlans() == [plan] && store.outdatedClaims().isEmpty)
    }
  }
}
