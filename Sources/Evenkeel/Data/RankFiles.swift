/// Files of which each rank has one, with its number in the name: together they are one table.
package enum RankFiles {
  /// Where the number of the rank stands in the name.
  package static let placeholder = "{rank}"

  /// Reads the rows of the ranks' files in the order of the ranks, under one header. A file may be empty, or have no row but the header.
  /// - Parameters:
  ///   - path: The name, with the placeholder.
  ///   - hasHeader: Whether the first lines name the columns; nil: unless every cell of it is a number.
  ///   - read: Makes something of the rows; its errors are told of the rank's file and of its line.
  /// - Throws: `EvenkeelError`: `usage` for a name without the placeholder; on all ranks what one has failed to read, and `data` for files
  ///   with different headers.
  package static func reading<Content>(
    _ path: String, hasHeader: Bool?, among communicator: any Communicator, _ read: (FileBytes) throws -> Content
  ) throws -> Content {
    guard path.contains(placeholder) else {
      throw EvenkeelError.usage(
        "--shard-files needs the place of the rank's number in the name of DATA, as in part-\(placeholder).csv.")
    }
    let own = name(path, of: communicator.rank)
    var bytes = RankBytes()
    let ownText = Result { try text(of: own) }
    try Agreement(among: communicator).settle(ownText.failure)
    bytes.write(try ownText.get())
    let texts = try communicator.exchange(bytes).map { bytes in
      var bytes = bytes
      return bytes.read([UInt8].self)
    }
    let (rows, places) = try joined(texts, named: path, hasHeader: hasHeader)
    do { return try read(rows) } catch let error as EvenkeelError {
      throw located(error, in: path, places, among: communicator)
    }
  }

  /// An error that names a line of all rows, for the file of the rank that has it.
  private static func located(
    _ error: EvenkeelError, in path: String, _ places: [Place], among communicator: any Communicator
  ) -> EvenkeelError {
    let beginning = "\(path), line "
    guard error.message.hasPrefix(beginning) else { return error }
    let rest = error.message.dropFirst(beginning.count)
    let digits = rest.prefix { $0.isNumber }
    guard let line = Int(digits), let place = places.last(where: { $0.first <= line }) else { return error }
    let name = name(path, of: place.rank)
    return EvenkeelError(
      error.code,
      "\(communicator.name(of: place.rank)): \(name), line \(line - place.first + place.own)\(rest.dropFirst(digits.count))",
      layer: error.layer)
  }

  /// Where the lines of a rank's file are among all: the first that was taken, and which line of the file that is.
  private struct Place {
    let rank, first, own: Int
  }

  private static func name(_ path: String, of rank: Int) -> String { path.replacing(placeholder, with: "\(rank)") }

  /// The text of a file, without a mark of its byte order; empty if there are only blanks.
  private static func text(of path: String) throws -> [UInt8] {
    let file = try FileBytes(path)
    let content = file.bytes
    guard !content.allSatisfy({ [32, 9, 10, 13].contains($0) }) else { return [] }
    try ForeignFormat.requireNone(file)
    guard TableBlocks.isText(content) || content.first == UInt8(ascii: "{") else {
      throw EvenkeelError.data("\(path): --shard-files takes tables as CSV in UTF-8, or JSON objects one a line.")
    }
    let text = Array(content.dropFirst(content.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0))
    // Rows are whole here: a cell that is not closed would go on in the next file.
    if text.first != UInt8(ascii: "{") {
      _ = try TableRows(FileBytes(text, name: path), separator: nil, after: nil, line: 1)
    }
    return text
  }

  private static func joined(
    _ texts: [[UInt8]], named path: String, hasHeader: Bool?
  ) throws -> (rows: FileBytes, places: [Place]) {
    var (all, header): ([UInt8], (line: ArraySlice<UInt8>, rank: Int)?) = ([], nil)
    var (places, lines): ([Place], Int) = ([], 0)
    try Machine.requireMemory(texts.reduce(0) { $0 + $1.count }, for: "\(path): the rows of \(texts.count) ranks")
    for (rank, text) in texts.enumerated() where !text.isEmpty {
      let line = firstLine(text)
      let taken = all.count
      if all.isEmpty {
        if try isHeader(line, hasHeader, in: name(path, of: rank)) { header = (line, rank) }
        all += text
      } else if let header {
        guard line == header.line else {
          throw EvenkeelError.data(
            "\(name(path, of: rank)) begins with other columns than \(name(path, of: header.rank)).")
        }
        all += text[line.endIndex...].drop { $0 == 13 }.drop { $0 == 10 }
      } else {
        all += text
      }
      if all.last != 10 { all.append(10) }
      let own = text.count { $0 == 10 } + (text.last == 10 ? 0 : 1)
      let added = all[taken...].count { $0 == 10 }
      places.append(Place(rank: rank, first: lines + 1, own: own - added + 1))
      lines += added
    }
    return (try FileBytes(all, name: path), places)
  }

  /// To the first newline that is in no quotes.
  private static func firstLine(_ text: [UInt8]) -> ArraySlice<UInt8> {
    var isQuoted = false
    let end = text.firstIndex { byte in
      if byte == 34 { isQuoted.toggle() }
      return byte == 10 && !isQuoted
    }
    let line = text[..<(end ?? text.count)]
    return line.last == 13 ? line.dropLast() : line
  }

  private static func isHeader(_ line: ArraySlice<UInt8>, _ hasHeader: Bool?, in name: String) throws -> Bool {
    if line.first == UInt8(ascii: "{") { return false }
    if let hasHeader { return hasHeader }
    return try Table(FileBytes(line + [10] + line + [10], name: name)).rowCount == 1
  }
}

extension Result {
  fileprivate var failure: Failure? { if case .failure(let error) = self { error } else { nil } }
}
