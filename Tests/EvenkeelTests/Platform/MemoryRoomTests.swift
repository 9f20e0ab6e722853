import Evenkeel
import Testing

/// What is left where these are all files that the system tells it by.
private func room(_ files: [String: String]) -> MemoryRoom { .current { files[$0] } }

@Test func aMachineLeavesWhatIsAvailableAndItsSwap() {
  let text = "MemTotal: 9000 kB\nMemFree: 10 kB\nMemAvailable:    3000 kB\nSwapTotal: 7000 kB\nSwapFree:   500 kB\n"
  #expect(room(["/proc/meminfo": text]) == MemoryRoom(bytes: 3500 * 1024, limit: .machine))
}

@Test func aGroupLeavesItsLimitLessWhatIsUsedAndNotCached() {
  let files = [
    "/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max": "max\n",
    "/sys/fs/cgroup/a/memory.max": "1000000\n", "/sys/fs/cgroup/a/memory.current": "700000\n",
    "/sys/fs/cgroup/a/memory.stat": "anon 400000\nfile 300000\ninactive_file 100000\nactive_file 50000\n",
  ]
  #expect(room(files) == MemoryRoom(bytes: 450_000, limit: .container))
  // The group's own limit where it is lower; nothing is left where more is used than may be.
  let lower = files.merging(["/sys/fs/cgroup/a/b/memory.max": "300000\n"]) { $1 }
  #expect(room(lower) == MemoryRoom(bytes: 300_000, limit: .container))
  let full = lower.merging(["/sys/fs/cgroup/a/b/memory.current": "300001\n"]) { $1 }
  #expect(room(full) == MemoryRoom(bytes: 0, limit: .container))
}

@Test func aGroupOfVersion1IsFoundByItsControllerAndInsideAContainerAtTheRoot() {
  let files = [
    "/proc/self/cgroup": "9:name=systemd:/\n4:cpuset,memory:/docker/1234\n0::/\n",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes": "2000000\n",
    "/sys/fs/cgroup/memory/memory.usage_in_bytes": "1500000\n",
    "/sys/fs/cgroup/memory/memory.stat":
      "cache 1\ninactive_file 9\ntotal_inactive_file 250000\ntotal_active_file 250000\n",
  ]
  #expect(room(files) == MemoryRoom(bytes: 1_000_000, limit: .container))
}

@Test func whatTheSystemDoesNotTellDoesNotLimit() {
  // Version 1 writes almost 2^63 where there is no limit.
  let none = [
    "/proc/self/cgroup": "4:memory:/\nnonsense\n", "/proc/meminfo": "nonsense\n", "/proc/self/statm": "1 2",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
  ]
  for files in [none, [:]] {
    #expect(room(files).bytes > 0)
    #expect(room(files).limit != .container)
  }
}

@Test func bytesAreWrittenForAPerson() {
  #expect(
    [0, 999, 1000, 1_960_000, 67_200_000_000].map { MemoryRoom.text($0) }
      == ["0 bytes", "999 bytes", "1.0 kB", "1.9 MB", "67.2 GB"])
}
