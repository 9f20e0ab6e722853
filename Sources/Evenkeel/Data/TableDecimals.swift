extension Table {
  /// What the cells of a column say about the decimal mark.
  private struct Evidence {
    /// Cells that are numbers with this mark alone.
    var (point, comma) = (0, 0)
    /// Cells that are a number with either mark, but not the same: the rows of the first with a point and of the first with a comma.
    var (eitherPoint, eitherComma): (Int?, Int?) = (nil, nil)
    var hasText = false

    var mark: DecimalMark? { point + comma == 0 ? nil : comma > point ? .comma : .point }

    /// The row of a cell that may be two numbers. A comma between cells leaves one within a cell to thousands and a point to fractions;
    /// a semicolon stands where the comma is the decimal mark.
    func open(separator: UInt8) -> Int? {
      switch separator {
      case UInt8(ascii: ","): nil
      case UInt8(ascii: ";"): eitherPoint ?? eitherComma
      default: eitherComma
      }
    }
  }

  /// Finds out with which mark the numbers of `columns` are written, unless it is given. A column whose cells leave it open ("5,314")
  /// follows the others.
  /// - Throws: `EvenkeelError` with code `data` that names a cell that may be two numbers, if no column decides.
  mutating func findDecimals(of columns: [Int], given: DecimalMark?) throws {
    if let given {
      for column in columns { decimals[column] = given }
      return
    }
    let found = columns.map { (column: $0, evidence: evidence($0)) }
    let votes = Set(found.compactMap { $0.evidence.hasText ? nil : $0.evidence.mark })
    for (column, evidence) in found {
      if let mark = evidence.mark {
        decimals[column] = mark
      } else if votes.count == 1, !evidence.hasText {
        decimals[column] = votes.first!
      } else if !evidence.hasText, let row = evidence.open(separator: separator) {
        throw EvenkeelError.data(
          "\(file), line \(lines[row]), column \(names[column]): \"\(cell(row: row, column: column))\" may have a decimal mark or thousands; --decimal . or --decimal , decides."
        )
      }
    }
  }

  private func evidence(_ column: Int) -> Evidence {
    var evidence = Evidence()
    for row in 0..<rowCount {
      let bytes = cellBytes(row: row, column: column)
      guard bytes.contains(where: { !(48...57).contains($0) && $0 != 45 }) else { continue }
      guard bytes.contains(where: { $0 == 44 || $0 == 46 }), bytes.contains(where: { (48...57).contains($0) }) else {
        if !evidence.hasText { evidence.hasText = textAmongNumbers(row: row, column: column) != nil }
        continue
      }
      let text = cell(row: row, column: column)
      switch (DecimalMark.point.number(text), DecimalMark.comma.number(text)) {
      case (nil, nil): evidence.hasText = evidence.hasText || !Self.isMissingNumber(text)
      case (_, nil): evidence.point += 1
      case (nil, _): evidence.comma += 1
      case (let one, let other) where one == other: break
      default:
        if bytes.contains(44) {
          evidence.eitherComma = evidence.eitherComma ?? row
        } else {
          evidence.eitherPoint = evidence.eitherPoint ?? row
        }
      }
      // So many cells decide.
      if evidence.point + evidence.comma >= 1000 { break }
    }
    return evidence
  }
}
