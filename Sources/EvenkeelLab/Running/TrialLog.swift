import Evenkeel

/// The trials of a sweep or of claims as JSON objects, one a line, as they come to their ends: `start`, `trial` after each,
/// and `end`. Documentation/Logs.md says what each holds.
///
/// A log always begins anew: trials that were done before are told first, so that it has each once.
package final class TrialLog {
  private let path: String
  private let store: RunStore
  private let start: StartLine
  private let warn: (String) -> Void
  private var file: LogFile?
  private var told = 0

  /// A log that replaces the one at `path`, if there is one, once a trial may start.
  /// - Parameters:
  ///   - trials: How many are expected.
  ///   - data: What was understood of the data, in sentences.
  ///   - warn: Told, once, if the log cannot be written; the trials go on.
  /// - Throws: `EvenkeelError` with code `usage` for a file that is not a log.
  package init(
    _ path: String, of store: RunStore, trials: Int, data: [String], command: String, threads: Int,
    warn: @escaping (String) -> Void
  ) throws {
    try RunLog.requireReplaceable(path)
    (self.path, self.store, self.warn) = (path, store, warn)
    start = StartLine(
      trials: trials, command: command,
      machine: "\(Machine.processor), \(threads) \(threads == 1 ? "trial" : "trials") at a time", data: data)
  }

  /// Takes what came since the last call.
  package func tell(_ results: [(trial: Trial, result: TrialResult)], secondsLeft: Double?) {
    if file == nil {
      file = LogFile(path, onFailure: warn)
      file?.append(line: start)
    }
    for (trial, result) in results {
      told += 1
      file?.append(
        line: TrialLine(
          step: told, number: (try? store.numbers(of: [trial]))?.first, trial, result, secondsLeft: secondsLeft))
    }
  }

  /// Runs `body`, which runs the trials, and tells how it ended.
  /// - Parameter remaining: What a result says of trials that were left over; nil if none were.
  package func watched<Result>(
    remaining: (Result) throws -> String? = { _ in nil }, _ body: () throws -> Result
  ) throws -> Result {
    do {
      let result = try body()
      let message = try remaining(result)
      end(message == nil ? .finished : .interrupted, message: message)
      return result
    } catch {
      let known = error as? EvenkeelError
      end(known?.code == .interrupted ? .interrupted : .failed, message: known?.message)
      throw error
    }
  }

  private func end(_ status: RunEnd.Status, message: String? = nil) {
    file?.append(line: EndLine(step: told, status: status, message: message))
  }

  private struct StartLine: Encodable {
    let schema = RunLog.schema
    let event = "start"
    let time = secondsSince1970()
    let step = 0
    let trials: Int
    let version = Release.version
    let command, machine: String
    let data: [String]
  }

  private struct TrialLine: Encodable {
    let event = "trial"
    let time = secondsSince1970()
    let step: Int
    let trial: Int64?
    let summary: String
    let settings: LoggedSettings
    let score: Double
    let loss: Double?
    let diverged: Bool
    let seconds: Double
    let secondsLeft: Double?

    init(step: Int, number: Int64?, _ trial: Trial, _ result: TrialResult, secondsLeft: Double?) {
      (self.step, self.trial, self.secondsLeft) = (step, number, secondsLeft)
      (summary, settings) = (trial.summary, LoggedSettings(trial.settings))
      (score, loss) = (result.score, result.curve.last?.loss)
      (diverged, seconds) = (result.isDiverged, result.seconds)
    }
  }

  private struct EndLine: Encodable {
    let event = "end"
    let time = secondsSince1970()
    let step: Int
    let status: RunEnd.Status
    let message: String?
  }
}
