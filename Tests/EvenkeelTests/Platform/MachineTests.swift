import Evenkeel
import Testing

private func threads(allowed: Int, _ files: [String: String]) -> Int {
  Machine.threads(allowed: allowed) { files[$0] }
}

@Test func aQuotaOfProcessorsIsALimit() {
  let second = ["/proc/self/cgroup": "0::/jobs/one\n"]
  #expect(threads(allowed: 8, second) == 8)
  #expect(threads(allowed: 8, second.merging(["/sys/fs/cgroup/jobs/cpu.max": "max 100000\n"]) { $1 }) == 8)
  #expect(threads(allowed: 8, second.merging(["/sys/fs/cgroup/jobs/cpu.max": "250000 100000\n"]) { $1 }) == 2)
  // The least of a group and those above it; never less than one.
  let nested = [
    "/sys/fs/cgroup/jobs/cpu.max": "400000 100000\n", "/sys/fs/cgroup/jobs/one/cpu.max": "50000 100000\n",
  ]
  #expect(threads(allowed: 8, second.merging(nested) { $1 }) == 1)
  #expect(threads(allowed: 2, second.merging(["/sys/fs/cgroup/cpu.max": "400000 100000\n"]) { $1 }) == 2)
  let first = ["/proc/self/cgroup": "4:cpu,cpuacct:/a\n2:memory:/b\n"]
  let files = [
    "/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "150000\n", "/sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "50000\n",
  ]
  #expect(threads(allowed: 8, first.merging(files) { $1 }) == 3)
  let none = ["/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "-1\n", "/sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "50000\n"]
  #expect(threads(allowed: 8, first.merging(none) { $1 }) == 8)
}
