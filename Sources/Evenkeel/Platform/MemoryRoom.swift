import Glibc

/// How much memory this process may still take, and what limits it.
package struct MemoryRoom: Equatable {
  package enum Limit: String {
    case machine = "this machine has"
    case container = "the limit of this container (cgroup) leaves"
    case addressSpace = "the limit of the address space (ulimit -v) leaves"
    case data = "the limit of the data segment (ulimit -d) leaves"
  }

  package let bytes: Int
  package let limit: Limit

  package init(bytes: Int, limit: Limit) { (self.bytes, self.limit) = (bytes, limit) }

  /// The smallest of this process's limits. Those that cannot be determined are ignored.
  package static func current(read: (String) -> String?) -> MemoryRoom {
    let sizes = read("/proc/self/statm").map(statm)
    return [
      MemoryRoom(bytes: machine(read), limit: .machine),
      container(read).map { MemoryRoom(bytes: $0, limit: .container) },
      limit(RLIMIT_AS).map { MemoryRoom(bytes: $0 - (sizes?.total ?? 0) - reserve, limit: .addressSpace) },
      limit(RLIMIT_DATA).map { MemoryRoom(bytes: $0 - (sizes?.data ?? 0) - reserve, limit: .data) },
    ].compactMap(\.self).map { MemoryRoom(bytes: max(0, $0.bytes), limit: $0.limit) }.min { $0.bytes < $1.bytes }!
  }

  static func current() -> MemoryRoom { current(read: ControlGroups.contents) }

  /// The part of a hard limit that is reserved for unrequested allocations: threads' stacks, small memory.
  private static let reserve = 1 << 26

  /// Memory and swap that are free or may be freed; without /proc, all that the machine has.
  private static func machine(_ read: (String) -> String?) -> Int {
    if let fields = read("/proc/meminfo").map(fields), let available = fields["MemAvailable:"] {
      return (available + (fields["SwapFree:"] ?? 0)) * 1024
    }
    return max(1, sysconf(Int32(_SC_PHYS_PAGES))) * max(1, sysconf(Int32(_SC_PAGESIZE)))
  }

  /// What this process's control groups leave, its own and all above it; nil without a limit.
  private static func container(_ read: (String) -> String?) -> Int? {
    ControlGroups.folders(of: "memory", read).compactMap { folder, version in
      version == 2
        ? room(folder, limit: "memory.max", usage: "memory.current", prefix: "", read)
        : room(folder, limit: "memory.limit_in_bytes", usage: "memory.usage_in_bytes", prefix: "total_", read)
    }.min()
  }

  /// What one group leaves: cached files count as used but can be evicted.
  private static func room(
    _ folder: String, limit: String, usage: String, prefix: String, _ read: (String) -> String?
  ) -> Int? {
    // Version 2 says "max", version 1 almost 2^63 for none.
    guard let limit = read(folder + "/" + limit).flatMap(number), limit < 1 << 60 else { return nil }
    let used = read(folder + "/" + usage).flatMap(number) ?? 0
    let cached = read(folder + "/memory.stat").map(fields) ?? [:]
    return limit - used + (cached[prefix + "inactive_file"] ?? 0) + (cached[prefix + "active_file"] ?? 0)
  }

  private static func limit(_ resource: __rlimit_resource) -> Int? {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0, limit.rlim_cur < 1 << 60 else { return nil }
    return Int(limit.rlim_cur)
  }

  /// The bytes of address space and of data of this process.
  private static func statm(_ text: String) -> (total: Int, data: Int) {
    let pages = text.split { $0.isWhitespace }.map { Int($0) ?? 0 }
    let size = sysconf(Int32(_SC_PAGESIZE))
    return pages.count < 6 ? (0, 0) : (pages[0] * size, pages[5] * size)
  }

  /// The numbers in lines that start with a name and a number.
  private static func fields(_ text: String) -> [String: Int] {
    text.split(separator: "\n").reduce(into: [:]) { fields, line in
      let words = line.split(separator: " ")
      if words.count > 1, let value = Int(words[1]) { fields[String(words[0])] = value }
    }
  }

  private static func number(_ text: String) -> Int? { Int(text.split { $0.isWhitespace }.first ?? "") }

  /// `count` bytes in readable form.
  package static func text(_ count: Int) -> String {
    for (name, size) in [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000)] where count >= size {
      return "\(count / size).\(count % size * 10 / size) \(name)"
    }
    return "\(count) bytes"
  }

  /// The sentence that says why there is no memory.
  static func refusal(_ what: String, _ count: Int, room: MemoryRoom = .current()) -> String {
    "\(what) takes \(text(count)) of memory; \(room.limit.rawValue) \(text(room.bytes))."
  }
}

extension Machine {
  /// Call before taking memory whose size depends on data or a network: if memory is short, the system ends the
  /// process, now or when the memory is first written to.
  /// - Parameters:
  ///   - what: What takes the memory, as the start of the sentence.
  ///   - remedy: A sentence about what takes less.
  /// - Throws: `EvenkeelError` if this process may not take `count` bytes more. A few megabytes are always granted.
  package static func requireMemory(
    _ count: Int, for what: @autoclosure () -> String, code: EvenkeelError.Code = .data, remedy: String? = nil
  ) throws {
    guard count >= 1 << 24 else { return }
    let room = MemoryRoom.current()
    guard count > room.bytes else { return }
    throw EvenkeelError(code, MemoryRoom.refusal(what(), count, room: room) + (remedy.map { " " + $0 } ?? ""))
  }
}
