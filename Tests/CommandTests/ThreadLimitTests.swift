import EvenkeelTestSupport
import Glibc
import Testing

@Test(.enabled(if: command != nil, "the command is not built"))
func aStoreIsNotWaitedForWithoutEndWhereNoThreadIsToBeHad() throws {
  try withTemporaryFolder { folder in
    // The limit does not hold for the superuser, so another user runs the command.
    let isSuperuser = getuid() == 0
    if isSuperuser { chmod(folder, 0o777) }
    let user = isSuperuser ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : []
    let result = try run(
      ["sweep", "digits", "--quiet", "--trials", "2", "--steps", "2", "--store", folder + "/runs.sqlite"],
      variables: ["timeout", "-s", "KILL", "120"] + user + ["prlimit", "--nproc=1"])
    // Without the right to read the command there is nothing to test.
    guard result.code != 126, result.code != 127 else { return }
    #expect(result.code == 70 && result.errors.contains("needs a thread, and the system gives none"), "\(result)")
  }
}
