import Evenkeel
import Glibc

/// Makes sure before long work that `output` can be written. Where it is standard output, text goes to standard error from here on.
/// - Throws: `EvenkeelError` with code `cannotWrite`; `usage` for a dash, which stands for standard input only.
func requireOutput(_ output: String?) throws {
  guard let output else { return }
  guard output != "-" else {
    throw EvenkeelError(.usage, "- is no file to write; /dev/stdout is standard output, ./- a file of that name.")
  }
  try Model.requireWritable(output)
  if isStandardOutput(output) { keepTextOutOfStandardOutput() }
}

/// Whether `path` leads to what standard output is.
func isStandardOutput(_ path: String) -> Bool {
  var (named, standard) = (stat(), stat())
  return stat(path, &named) == 0 && fstat(1, &standard) == 0 && named.st_ino == standard.st_ino
    && named.st_dev == standard.st_dev
}

/// - Parameters:
///   - inputs: Files and folders that the command reads.
///   - store: The file that keeps the runs, which need not exist yet.
///   - role: What `output` is to be, as in "the output".
/// - Throws: `EvenkeelError` with code `usage` if `output` is one of `inputs`, or one of the files that SQLite keeps for `store`.
func requireApart(
  _ output: String?, from inputs: [String?], store: String? = nil, as role: String = "the output"
) throws {
  guard let output else { return }
  if let store,
    ["", "-wal", "-shm", "-journal"].contains(where: { AtomicFile.place(output) == AtomicFile.place(store + $0) })
  {
    throw EvenkeelError(
      .usage, "\(output) is where the runs are kept (--store) and cannot be the output too; choose another file.")
  }
  for case let input? in inputs where input != "-" && Folder.holdsImages(input) {
    let (place, folder) = (AtomicFile.place(output), AtomicFile.place(input))
    guard place == folder || place.hasPrefix(folder + "/") else { continue }
    throw EvenkeelError(
      .usage,
      "\(output) \(place == folder ? "is a folder" : "lies in \(input),") whose images this command reads; \(role) has to lie elsewhere."
    )
  }
  var written = stat()
  guard stat(output, &written) == 0, written.st_mode & S_IFMT == S_IFREG else { return }
  for case let input? in inputs + [store] {
    var read = stat()
    if stat(input, &read) == 0, read.st_ino == written.st_ino, read.st_dev == written.st_dev {
      throw EvenkeelError(
        .usage, "\(output) is an input of this command and cannot be \(role) too; choose another file.")
    }
  }
}
