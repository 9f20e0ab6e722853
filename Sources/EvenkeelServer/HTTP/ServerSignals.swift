import Dispatch
import Glibc

/// Hands signals to a function, on a thread of its own, in place of what they do otherwise.
package final class ServerSignals {
  private let sources: [any DispatchSourceSignal]

  package init(_ signals: [Int32], _ body: @escaping @Sendable (Int32) -> Void) {
    let queue = DispatchQueue(label: "signals")
    sources = signals.map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler { body(number) }
      source.resume()
      return source
    }
  }

  package func end() { for source in sources { source.cancel() } }
}
