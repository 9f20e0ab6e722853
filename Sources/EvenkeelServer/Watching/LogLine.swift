import FoundationEssentials

/// A line of a run's log that a page can show: one of the events that Documentation/Logs.md describes.
package struct LogLine: Hashable, Sendable {
  package enum Event: String, Decodable, Sendable { case start, step, epoch, norms, trial, end }
  package let event: Event
  /// Steps so far.
  let step: Int
  /// Of a step; nil for other events, and for a loss that is not finite.
  let loss: Double?
  /// The line, a JSON object.
  package let text: String

  private struct Head: Decodable {
    let event: Event
    let step: Int
    let loss: Double?
  }

  /// nil for a line of another kind: readers ignore what they do not know.
  /// - Parameter bytes: Without the line's end.
  package init?(_ bytes: some Collection<UInt8>) {
    // Carriage returns are spaces in JSON, and would end a line of an event stream.
    let bytes = bytes.map { $0 == UInt8(ascii: "\r") ? UInt8(ascii: " ") : $0 }
    guard let text = String(validating: bytes, as: UTF8.self),
      let head = try? JSONDecoder().decode(Head.self, from: Data(bytes))
    else { return nil }
    (event, step, self.text) = (head.event, head.step, text)
    loss = event == .step ? head.loss : nil
  }
}
