import Evenkeel
import Glibc

extension Machine {
  /// Processor and the number of processors that this process may use.
  package static var summary: String { "\(processor), \(threads) processors, a trial on each" }

  /// The processor's name.
  package static var processor: String {
    var model = "unknown processor"
    if let file = fopen("/proc/cpuinfo", "r") {
      defer { fclose(file) }
      var line = [CChar](repeating: 0, count: 512)
      while fgets(&line, Int32(line.count), file) != nil {
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard text.hasPrefix("model name"), let colon = text.firstIndex(of: ":") else { continue }
        model = String(text[text.index(after: colon)...].drop { $0 == " " }.prefix { !$0.isNewline })
        break
      }
    }
    return model
  }
}
