import Evenkeel
import EvenkeelTestSupport
import Glibc
import Testing

@Test(.enabled(if: command != nil, "the command is not built"))
func theCommandKeepsTheCheckpointOfTheEpochBeforeItsDataWasCutOff() throws {
  try withTemporaryPath("") { stem in
    let (data, model, code) = (stem + ".npy", stem + ".safetensors", stem + ".code")
    defer { for end in [".npy", ".safetensors", ".checkpoint.safetensors", ".code"] { unlink(stem + end) } }
    writeBytes(alignedTable(), to: data)
    // The line of the first epoch is waited for; the others would take far longer than what follows.
    let script =
      "{ \"$0\" \"$@\"; echo $? > '\(code)'; } | { read line; : > '\(data)'; cat > /dev/null; }"
    let result = try run(
      [
        "train", data, "--epochs", "5000", "--json", "--hidden", "4", "--members", "1", "--patience", "0", "--threads",
        "1", "--output", model,
      ],
      variables: ["sh", "-c", script])
    #expect(String(decoding: try FileBytes(code).copy, as: UTF8.self) == "65\n")
    #expect(result.errors.contains("\(data) changed while it was read: it had 5248 bytes, now it has 0"))
    #expect(try Checkpoint(contentsOf: stem + ".checkpoint.safetensors").steps > 0)
    #expect(access(model, F_OK) != 0)
  }
}
