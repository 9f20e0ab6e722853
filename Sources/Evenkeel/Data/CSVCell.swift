/// A cell of CSV text that the program makes itself.
enum CSVCell {
  /// A text in quotes, which it may hold too.
  static func quoted(_ text: some Sequence<UInt8>) -> [UInt8] {
    var cell: [UInt8] = [34]
    for byte in text {
      if byte == 34 { cell.append(34) }
      cell.append(byte)
    }
    cell.append(34)
    return cell
  }
}
