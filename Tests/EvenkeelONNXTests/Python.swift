import EvenkeelTestSupport
import Glibc
import Testing

/// Python with onnx and onnxruntime, as Scripts/setup installs it for the tests.
enum Python {
  private static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
  private static let program = root + "/.venv/bin/python"

  static let isThere = access(program, X_OK) == 0
  /// Whether this Python has PyTorch with its exporter, and scikit-learn with its own.
  static let hasExporters = isThere && ((try? run(["-c", "import onnxscript, torch, skl2onnx"]).code) == 0)

  /// Runs a script of `Tests/Fixtures`, to its end.
  static func runScript(_ name: String, _ arguments: String...) throws -> (code: Int32, output: String) {
    try run(["\(root)/Tests/Fixtures/\(name)"] + arguments)
  }

  private static func run(_ arguments: [String]) throws -> (code: Int32, output: String) {
    try withTemporaryPath(".out") { output in
      var actions = posix_spawn_file_actions_t()
      posix_spawn_file_actions_init(&actions)
      defer { posix_spawn_file_actions_destroy(&actions) }
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
      posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
      posix_spawn_file_actions_adddup2(&actions, 1, 2)
      var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
      defer { for word in words { free(word) } }
      var process: pid_t = 0
      try #require(posix_spawn(&process, program, &actions, nil, &words, environ) == 0)
      let status = end(process)
      return (status >> 8 & 0xff | status & 0x7f, try text(of: output))
    }
  }
}
