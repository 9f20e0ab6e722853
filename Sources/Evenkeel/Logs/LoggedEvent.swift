import Glibc

/// An event of TensorBoard's files: what a run shows at one step, or about its file.
///
/// Field numbers are those of `event.proto` and `summary.proto`. Numbers, histograms and texts are written in the older
/// form, with which every reader of the last years can do something.
package struct LoggedEvent {
  private var message = ProtobufMessage()
  private var summary = ProtobufMessage()

  /// - Parameter time: Seconds since 1970.
  package init(step: Int, time: Double) {
    message.add(1, time)
    message.add(2, integer: UInt64(step))
  }

  /// The first event of every file.
  static func fileStart(time: Double) -> LoggedEvent {
    var event = LoggedEvent(step: 0, time: time)
    event.message.add(3, "brain.Event:2")
    return event
  }

  /// Says that steps from `step` on are told again.
  static func restart(step: Int, time: Double) -> LoggedEvent {
    var event = LoggedEvent(step: step, time: time)
    event.message.add(7) { $0.add(1, integer: 1) }
    return event
  }

  /// Its bytes as a record.
  package var record: [UInt8] {
    var whole = message
    if !summary.bytes.isEmpty { whole.add(5, summary) }
    return EventRecord.framed(whole.bytes)
  }

  /// The step of an event that this code wrote; nil for other bytes.
  static func step(of data: ArraySlice<UInt8>) -> Int? {
    guard data.count > 10, data.first == 0x09, data[data.startIndex + 9] == 0x10 else { return nil }
    var step: UInt64 = 0
    for (place, byte) in data.dropFirst(10).prefix(9).enumerated() {
      step |= UInt64(byte & 0x7f) << (7 * UInt64(place))
      if byte & 0x80 == 0 { return Int(step) }
    }
    return nil
  }

  private mutating func add(_ tag: String, _ fill: (inout ProtobufMessage) -> Void) {
    summary.add(1) { value in
      value.add(1, tag)
      fill(&value)
    }
  }

  /// A number of a series.
  package mutating func add(_ tag: String, _ value: Double) { add(tag) { $0.add(2, Float(value)) } }

  /// Words in Markdown.
  package mutating func add(_ tag: String, text: String) {
    add(tag) { value in
      // A TensorProto of one string.
      value.add(8) { tensor in
        tensor.add(1, integer: 7)
        tensor.add(2) { $0.add(2) { $0.add(1, integer: 1) } }
        tensor.add(8, text)
      }
      value.add(9) { $0.add(1) { $0.add(1, "text") } }
    }
  }

  /// How the finite of `values` are spread over 30 intervals, each half as wide as the next one outwards; how many
  /// others there are is a number of its own, if there are any.
  package mutating func add(_ tag: String, histogramOf values: [Float]) {
    let finite = values.lazy.filter(\.isFinite)
    let others = values.count - finite.count
    if others > 0 { add(tag + "/nonfinite", Double(others)) }
    guard let least = finite.min(), let greatest = finite.max() else { return }
    let limits = Self.limits(reaching: Double(max(abs(least), abs(greatest))))
    var (counts, sum, squares) = ([Double](repeating: 0, count: limits.count), 0.0, 0.0)
    for value in finite {
      let value = Double(value)
      counts[limits.partitioningIndex { $0 >= value }] += 1
      sum += value
      squares += value * value
    }
    add(tag) {
      $0.add(5) { histogram in
        histogram.add(1, Double(least))
        histogram.add(2, Double(greatest))
        histogram.add(3, counts.reduce(0, +))
        histogram.add(4, sum)
        histogram.add(5, squares)
        histogram.add(6, limits)
        histogram.add(7, counts)
      }
    }
  }

  /// The upper limits of the intervals, rising; the last one is `largest`.
  private static func limits(reaching largest: Double) -> [Double] {
    let largest = largest > 0 ? largest : 1
    let halves = (0..<15).map { scalbn(largest, -$0) }
    return halves[1...].map { -$0 } + [0] + halves.reversed()
  }

  /// What the table of hyperparameters is made of: the content of its plugin's data.
  package mutating func add(_ part: HyperparameterTable.Part) {
    add(part.tag) { value in
      // Older readers want a tensor, whatever it holds.
      value.add(8) { tensor in
        tensor.add(1, integer: 1)
        tensor.add(2) { $0.add(2) { $0.add(1, integer: 1) } }
        tensor.add(5, Float(0))
      }
      value.add(9) { metadata in
        metadata.add(1) { plugin in
          plugin.add(1, "hparams")
          plugin.add(2, part.content)
        }
      }
    }
  }
}

extension [Double] {
  /// The first place whose value satisfies `belongs`, which those after it do too.
  fileprivate func partitioningIndex(where belongs: (Double) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if belongs(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
