import ArgumentParser
import Evenkeel
import Glibc

/// Where a run tells what happens, for those who watch it.
struct LogOptions: ParsableArguments {
  @Option(help: "A file that grows by a JSON object a line as the run goes: steps, epochs, the state of the norms.")
  var log: String?
  @Option(help: "A folder for the run that TensorBoard shows, with train and validation below it.") var tensorboard:
    String?
  @Option(help: "Epochs between histograms of parameters and running statistics in --tensorboard; 0: none.")
  var tensorboardHistograms: Int?
  @Option(help: "An MLflow server that the run is shown by, such as http://127.0.0.1:5000.") var mlflow: String?
  @Option(help: "The experiment of --mlflow, evenkeel by default; it is made if there is none.")
  var mlflowExperiment: String?

  /// The first option that has one training followed; nil if none does.
  var given: String? {
    [("--log", log), ("--tensorboard", tensorboard), ("--mlflow", mlflow)].first { $0.1 != nil }?.0
  }

  /// What watches the run.
  /// - Throws: `EvenkeelError` with code `usage` for a log in the place of what the command reads or writes, or of what is
  ///   no log.
  func observers(apartFrom inputs: [String?], outputs: [String?]) throws -> [any RunObserver] {
    func requireOther(_ path: String?, than outputs: [String?], _ role: String, _ kind: String) throws {
      guard let path, outputs.contains(where: { $0.map { AtomicFile.place($0) == AtomicFile.place(path) } ?? false })
      else { return }
      throw EvenkeelError(.usage, "\(path) cannot be \(role) and the output; choose another \(kind).")
    }
    try requireOther(log, than: outputs, "the log", "file")
    try requireOther(tensorboard, than: outputs + [log], "the folder for TensorBoard", "folder")
    try requireApart(log, from: inputs, as: "the log")
    try requireApart(tensorboard, from: inputs, as: "the folder for TensorBoard")
    guard tensorboardHistograms == nil || tensorboard != nil else {
      throw EvenkeelError(.usage, "--tensorboard-histograms goes with --tensorboard.")
    }
    guard mlflowExperiment == nil || mlflow != nil else {
      throw EvenkeelError(.usage, "--mlflow-experiment goes with --mlflow.")
    }
    var observers: [any RunObserver] = []
    if let log { observers.append(try RunLog(log, warn: { warn($0) })) }
    if let tensorboard {
      observers.append(
        try EventLog(tensorboard, histogramInterval: tensorboardHistograms ?? 0, warn: { warn($0) }))
    }
    if let mlflow {
      observers.append(try MLflowLog(mlflow, experiment: mlflowExperiment ?? "evenkeel", warn: { warn($0) }))
    }
    return observers
  }
}
