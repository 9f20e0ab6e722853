import Evenkeel
import Glibc
import Testing

/// The built command beside the test program; nil where it was not built.
package let command: String? = {
  var buffer = [CChar](repeating: 0, count: 4096)
  guard readlink("/proc/self/exe", &buffer, buffer.count - 1) > 0 else { return nil }
  let path = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  let beside = path[...path.lastIndex(of: "/")!] + "evenkeel"
  return access(String(beside), X_OK) == 0 ? String(beside) : nil
}()

/// What the command sees of this process's environment: where programs and libraries are found.
private let environment = (["PATH", "LD_LIBRARY_PATH"] as [String]).compactMap { name in
  getenv(name).map { "\(name)=\(String(cString: $0))" }
}

/// Starts the command in the root folder, in an environment of its own.
/// - Parameters:
///   - variables: Variables as NAME=VALUE; then what runs the command, if anything.
///   - output: A file; nil for a pipe that nobody reads.
///   - errors: A file.
package func start(
  _ arguments: [String], variables: [String] = [], output: String?, errors: String
) throws -> pid_t {
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
  var ends: [Int32] = [-1, -1]
  defer { if ends[1] >= 0 { close(ends[1]) } }
  if let output {
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
  } else {
    try #require(pipe(&ends) == 0)
    // No process that another test starts keeps the ends open.
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    close(ends[0])
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
  }
  posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
  var words: [UnsafeMutablePointer<CChar>?] =
    (["env", "-i", "--chdir=/"] + environment + variables + [command!] + arguments).map { strdup($0) } + [nil]
  defer { for word in words { free(word) } }
  var process: pid_t = 0
  // What is started becomes what it runs: the process is the command.
  try #require(posix_spawn(&process, "/usr/bin/env", &actions, nil, &words, environ) == 0)
  return process
}

/// Waits for the end of a process.
/// - Returns: Its status, as `waitpid` gives it.
package func end(_ process: pid_t) -> Int32 {
  var status: Int32 = 0
  while waitpid(process, &status, 0) < 0 && errno == EINTR {}
  return status
}

/// Looks until `condition` holds, for five minutes at most, and no longer than `process` runs.
/// - Returns: Whether it held.
package func wait(for process: pid_t, until condition: () throws -> Bool) rethrows -> Bool {
  for _ in 0..<15_000 {
    if try condition() { return true }
    var status = siginfo_t()
    // The status of a process that has ended is left for `end`.
    if waitid(P_PID, id_t(process), &status, WEXITED | WNOHANG | WNOWAIT) != 0 || status.si_signo == SIGCHLD {
      return try condition()
    }
    usleep(20_000)
  }
  return false
}

/// Runs the command to its end.
/// - Parameter variables: As for `start`.
package func run(
  _ arguments: [String], variables: [String] = []
) throws -> (code: Int32, output: String, errors: String) {
  try withTemporaryPath(".out") { output in
    try withTemporaryPath(".err") { errors in
      let status = end(try start(arguments, variables: variables, output: output, errors: errors))
      try #require(status & 0x7f == 0, "it died of signal \(status & 0x7f)")
      return (
        status >> 8 & 0xff, String(decoding: try FileBytes(output).copy, as: UTF8.self),
        String(decoding: try FileBytes(errors).copy, as: UTF8.self)
      )
    }
  }
}
