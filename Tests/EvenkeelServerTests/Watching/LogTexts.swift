import Glibc

// Lines of logs.

func stepLine(_ number: Int, run: Int = 1) -> String {
  "{\"event\":\"step\",\"time\":\(run)\(number).5,\"step\":\(number),\"epoch\":1,\"batch\":\(number),\"loss\":0.5}\n"
}

func startLine(run: Int = 1, step: Int = 0) -> String {
  "{\"schema\":1,\"event\":\"start\",\"time\":\(run).25,\"step\":\(step),\"epochs\":2,\"stepsPerEpoch\":50}\n"
}

/// Writes to the end of a file.
func append(_ text: String, to path: String) {
  let file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
  defer { close(file) }
  _ = Array(text.utf8).withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
}
