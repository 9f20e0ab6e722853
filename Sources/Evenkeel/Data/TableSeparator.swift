/// What parts the cells of a table.
enum TableSeparator {
  /// Comma, semicolon or tab, whichever the first line has most of.
  static func found(in content: Slice<UnsafeRawBufferPointer>) -> UInt8 {
    let firstLine = content.prefix { $0 != 10 }
    let counts = [UInt8(ascii: ","), UInt8(ascii: ";"), 9].map { candidate in
      (separator: candidate, count: firstLine.count { $0 == candidate })
    }
    return counts.dropFirst().reduce(counts[0]) { $1.count > $0.count ? $1 : $0 }.separator
  }
}
