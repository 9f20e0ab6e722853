import Glibc

/// The control groups that this process is in, which limit what a container may take.
enum ControlGroups {
  /// The folders of a controller's groups, this process's own and all above it, with the version of their files; in a container,
  /// a group's path may be one outside it.
  static func folders(of controller: String, _ read: (String) -> String?) -> [(path: String, version: Int)] {
    guard let groups = read("/proc/self/cgroup") else { return [] }
    return groups.split(separator: "\n").flatMap { line -> [(path: String, version: Int)] in
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { return [] }
      let controllers = parts[1].split(separator: ",")
      guard controllers.isEmpty || controllers.contains(Substring(controller)) else { return [] }
      let root = controllers.isEmpty ? "/sys/fs/cgroup" : "/sys/fs/cgroup/\(controller)"
      return parts[2].split(separator: "/").reduce(into: [root]) { $0.append($0.last! + "/" + $1) }
        .map { ($0, controllers.isEmpty ? 2 : 1) }
    }
  }

  /// The processors that the quota of this process pays for, the least of its groups'; nil without a quota.
  static func processorQuota(_ read: (String) -> String?) -> Double? {
    folders(of: "cpu", read).compactMap { folder, version -> Double? in
      // Version 2: "quota period", or "max period"; version 1 has a file for each, and -1 for none.
      let numbers =
        version == 2
        ? (read(folder + "/cpu.max") ?? "").split { $0.isWhitespace }.map { Double($0) }
        : ["quota", "period"].map { name in
          read(folder + "/cpu.cfs_\(name)_us").flatMap { Double($0.prefix { !$0.isWhitespace }) }
        }
      guard numbers.count == 2, let quota = numbers[0], let period = numbers[1], quota > 0, period > 0 else {
        return nil
      }
      return quota / period
    }.min()
  }

  /// The text of a small system file.
  static func contents(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return withUnsafeTemporaryAllocation(byteCount: 1 << 14, alignment: 1) { buffer in
      let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }
  }
}
