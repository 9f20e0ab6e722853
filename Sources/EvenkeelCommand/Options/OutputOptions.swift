import ArgumentParser
import Evenkeel
import Glibc

/// Where a training run writes, and how it reports.
struct OutputOptions: ParsableArguments {
  @Option(
    help: "Where the model goes, as NAME.safetensors; NAME.checkpoint.safetensors holds the run after its last epoch.")
  var output: String?
  @Option(help: "A checkpoint to continue from, with the same data and settings (except --epochs).") var resume: String?
  @Option(
    help: "An HTML file for a page about the training: curves, results, the columns' importance, the norms' health.")
  var report: String?
  @Flag(help: "Print one JSON object per line.") var json = false
  @Flag(help: "Print no progress.") var quiet = false

  /// The model's path and the checkpoint's; a resumed run continues with those that it had.
  var paths: (model: String?, checkpoint: String?) {
    let suffix = ".checkpoint.safetensors"
    var output = output
    if output == nil, let resume, resume.hasSuffix(suffix) {
      output = String(resume.dropLast(suffix.count)) + ".safetensors"
    }
    // The first of several processes writes for all.
    guard Ranks.isFirst else { return (nil, nil) }
    // Nothing lies beside a pipe or a device.
    var status = stat()
    guard let output, !isStandardOutput(output), stat(output, &status) != 0 || status.st_mode & S_IFMT == S_IFREG
    else { return (output, nil) }
    return (output, (output.hasSuffix(".safetensors") ? String(output.dropLast(12)) : output) + suffix)
  }

  /// Makes sure that the files can be written and replace none of `inputs`.
  /// - Throws: `EvenkeelError` with code `usage` or `cannotWrite`.
  func requirePaths(apartFrom inputs: [String?]) throws {
    let (model, checkpoint) = paths
    try requireApart(model, from: inputs + [resume])
    // A resumed run replaces the checkpoint that it continues from.
    try requireApart(checkpoint, from: inputs, as: "the checkpoint of --output")
    try requireApart(report, from: inputs + [resume], as: "the report")
    if let report, [model, checkpoint].contains(where: { $0.map(AtomicFile.place) == AtomicFile.place(report) }) {
      throw EvenkeelError(.usage, "\(report) is where --output goes and cannot be the report too; choose another file.")
    }
    for path in [model, checkpoint, report] { try requireOutput(path) }
  }
}
