import Evenkeel
import Testing

/// Expects an `EvenkeelError` with this code whose message has `sentence` in it.
package func expectError(
  _ sentence: String, code: EvenkeelError.Code = .data, _ body: () throws -> Void,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let error = #expect(throws: EvenkeelError.self, sourceLocation: sourceLocation) { try body() }
  guard let error else { return }
  #expect(error.code == code && error.message.contains(sentence), "\(error.message)", sourceLocation: sourceLocation)
}
