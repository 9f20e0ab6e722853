import Glibc
import Synchronization

/// The bytes of a file in place, which need no memory. Another program may write to the file meanwhile.
///
/// The descriptor stays open: if the file is replaced by another of the same name, the old one is still read.
final class MappedFile {
  let start: UnsafeRawPointer
  let count: Int
  private let name: String
  private let descriptor: Int32
  private let modified: timespec
  private let watched: Int?

  /// Takes over `descriptor` where it succeeds.
  /// - Parameter status: What `fstat` says of it; a size above 0.
  init(_ descriptor: Int32, _ status: stat, name: String) throws {
    let size = Int(status.st_size)
    guard let memory = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), memory != MAP_FAILED else {
      let reason = errno
      if reason == ENOMEM { throw EvenkeelError.data(MemoryRoom.refusal("\(name), mapped,", size)) }
      throw EvenkeelError.noInput("\(name): \(String(cString: strerror(reason))).")
    }
    start = UnsafeRawPointer(memory)
    count = size
    modified = status.st_mtim
    self.name = name
    self.descriptor = descriptor
    watched = LostPages.watch(start, size)
  }

  deinit {
    if let watched { LostPages.unwatch(watched) }
    munmap(UnsafeMutableRawPointer(mutating: start), count)
    close(descriptor)
  }

  /// - Throws: `EvenkeelError` with code `data` if the file has another size or time than when it was opened, or lost a page.
  func requireUnchanged() throws {
    var now = stat()
    guard fstat(descriptor, &now) == 0 else {
      throw EvenkeelError.data("\(name) can no longer be read: \(String(cString: strerror(errno))).")
    }
    guard Int(now.st_size) == count else {
      throw EvenkeelError.data(
        "\(name) changed while it was read: it had \(count) bytes, now it has \(now.st_size).")
    }
    guard now.st_mtim.tv_sec == modified.tv_sec, now.st_mtim.tv_nsec == modified.tv_nsec else {
      throw EvenkeelError.data("\(name) changed while it was read: another program wrote to it after it was opened.")
    }
    guard watched.map({ LostPages.haveCome($0) }) != true else {
      throw EvenkeelError.data(
        "\(name) lost a page while it was read: it was truncated for a moment, or its disk is failing.")
    }
  }

  /// - Throws: As `requireUnchanged`, if an access found a page missing.
  func requireWhole() throws {
    if let watched, LostPages.haveCome(watched) { try requireUnchanged() }
  }

  /// Gives back the memory of the pages of a range.
  func forget(_ range: Range<UnsafeRawPointer>) {
    let page = UInt(sysconf(Int32(_SC_PAGESIZE)))
    let first = UInt(bitPattern: range.lowerBound) / page * page
    madvise(UnsafeMutableRawPointer(bitPattern: first), Int(UInt(bitPattern: range.upperBound) - first), MADV_DONTNEED)
  }

  /// What `body` makes of the bytes. Where the file changed meanwhile that is the error, whatever came of it.
  func reading<Result>(_ body: () throws -> Result) throws -> Result {
    let result = Swift.Result { try body() }
    try requireUnchanged()
    return try result.get()
  }
}

/// Pages of mapped files that are no longer there when they are read, because another program cut the file off.
public enum LostPages {
  private struct Slot: ~Copyable {
    /// 0: free.
    let start = Atomic<UInt>(0)
    let end = Atomic<UInt>(0)
    let hasLost = Atomic(false)
  }

  /// The largest number of files that are watched at once.
  private static let most = 1024
  /// A handler of signals may wait for no lock: a table of atomics.
  nonisolated(unsafe) private static let slots: UnsafeMutablePointer<Slot> = {
    let slots = UnsafeMutablePointer<Slot>.allocate(capacity: most)
    for index in 0..<most { (slots + index).initialize(to: Slot()) }
    return slots
  }()
  nonisolated(unsafe) private static let previous = UnsafeMutablePointer<sigaction>.allocate(capacity: 1)
  private static let pageSize = UInt(sysconf(Int32(_SC_PAGESIZE)))

  /// Makes reading such a page an error that is thrown, in this whole process, where the system would end it by SIGBUS.
  ///
  /// It installs a handler for that signal; faults outside of this library's mapped files go on to the handler before. For a
  /// program to call, before it reads data; the library does not by itself. Without it a file that is cut off is noticed
  /// between batches, and is the end of the process within one.
  public static func becomeErrors() {
    _ = (slots, pageSize)
    var action = sigaction()
    action.__sigaction_handler.sa_sigaction = handleLostPage
    action.sa_flags = SA_SIGINFO
    sigaction(SIGBUS, &action, previous)
  }

  /// - Returns: The mapping's number; nil if there are too many.
  fileprivate static func watch(_ start: UnsafeRawPointer, _ count: Int) -> Int? {
    (0..<most).first { index in
      guard slots[index].start.compareExchange(expected: 0, desired: 1, ordering: .acquiring).exchanged else {
        return false
      }
      slots[index].hasLost.store(false, ordering: .relaxed)
      slots[index].end.store(UInt(bitPattern: start) + UInt(count), ordering: .relaxed)
      slots[index].start.store(UInt(bitPattern: start), ordering: .releasing)
      return true
    }
  }

  fileprivate static func unwatch(_ index: Int) {
    slots[index].end.store(0, ordering: .relaxed)
    slots[index].start.store(0, ordering: .releasing)
  }

  fileprivate static func haveCome(_ index: Int) -> Bool { slots[index].hasLost.load(ordering: .acquiring) }

  /// Replaces the page at `address` and all after it with zeros, so that the access can continue.
  /// - Returns: Whether the page is a watched file's.
  fileprivate static func replace(_ address: UInt) -> Bool {
    for index in 0..<most {
      let start = slots[index].start.load(ordering: .acquiring)
      let end = (slots[index].end.load(ordering: .relaxed) + pageSize - 1) / pageSize * pageSize
      guard start > 1, start <= address, address < end else { continue }
      let page = address / pageSize * pageSize
      let zeros = mmap(
        UnsafeMutableRawPointer(bitPattern: page), Int(end - page), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
        -1, 0)
      slots[index].hasLost.store(true, ordering: .releasing)
      return zeros != MAP_FAILED
    }
    return false
  }

  fileprivate static func passOn() { sigaction(SIGBUS, previous, nil) }
}

/// Runs on the thread that read the page: nothing in it allocates or waits.
private func handleLostPage(_: Int32, _ fault: UnsafeMutablePointer<siginfo_t>?, _: UnsafeMutableRawPointer?) {
  let reason = errno
  let address = fault.map { UInt(bitPattern: $0.pointee._sifields._sigfault.si_addr) } ?? 0
  // The access is repeated: on the zeros, or for the previous handler.
  if !LostPages.replace(address) { LostPages.passOn() }
  errno = reason
}
