/// Numbers in Prometheus's text format, version 0.0.4.
package struct PrometheusText {
  package private(set) var text = ""
  package static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

  package enum Kind: String { case counter, gauge, histogram }
  package typealias Labels = KeyValuePairs<String, String>

  package init() {}

  /// Begins a metric, whose samples follow.
  package mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
  }

  package mutating func add(_ name: String, _ labels: Labels, _ value: some CustomStringConvertible) {
    text += "\(name)\(Self.text(labels)) \(value)\n"
  }

  package mutating func add(_ name: String, _ labels: Labels, _ histogram: Histogram) {
    var sum = 0
    for (bound, count) in zip(histogram.bounds.map { "\($0)" } + ["+Inf"], histogram.counts) {
      sum += count
      text += "\(name)_bucket\(Self.text(labels, more: "le=\"\(bound)\"")) \(sum)\n"
    }
    text += "\(name)_sum\(Self.text(labels)) \(histogram.sum)\n\(name)_count\(Self.text(labels)) \(sum)\n"
  }

  private static func text(_ labels: Labels, more: String? = nil) -> String {
    let parts = labels.map { "\($0.key)=\"\(escaped($0.value))\"" } + (more.map { [$0] } ?? [])
    return parts.isEmpty ? "" : "{\(parts.joined(separator: ","))}"
  }

  private static func escaped(_ value: String) -> String {
    value.map { $0 == "\\" ? "\\\\" : $0 == "\"" ? "\\\"" : $0.isNewline ? "\\n" : String($0) }.joined()
  }
}
