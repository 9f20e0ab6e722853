import Evenkeel

extension NumberTable {
  /// The table in a box of its own, in which it scrolls where it is wider than the page.
  func write(to markup: inout Markup) {
    guard !rows.isEmpty else {
      markup.element("p", ["class": "absence"], "\(title): no trial has ended yet.")
      return
    }
    let isNumeric = columns.indices.map { column in
      rows.contains { if case .text = $0[column] { false } else { true } }
    }
    let decimals = columns.indices.map { self.decimals(of: $0) }
    markup.element("div", ["class": "numbers", "tabindex": "0", "role": "region", "aria-label": title]) { box in
      box.element("table") { table in
        table.element("caption", [:], title)
        table.element("thead") {
          $0.element("tr") { row in
            for (name, isNumeric) in zip(columns, isNumeric) {
              row.element("th", isNumeric ? ["scope": "col", "class": "number"] : ["scope": "col"], name)
            }
          }
        }
        table.element("tbody") { body in
          for cells in rows {
            body.element("tr") { row in
              for (index, cell) in cells.enumerated() {
                if index == 0, !isNumeric[0] {
                  row.element("th", ["scope": "row"], cell.text(decimals: nil))
                } else {
                  row.element(
                    "td", isNumeric[index] ? ["class": "number"] : [:], cell.text(decimals: decimals[index]))
                }
              }
            }
          }
        }
      }
    }
  }

  /// How many digits a column has after the point, such that its largest number has four; `nil` where its numbers are of too
  /// different sizes for one format.
  private func decimals(of column: Int) -> Int? {
    let numbers = rows.compactMap { row in
      if case .number(let value?) = row[column], value.isFinite { value } else { nil }
    }
    if numbers.allSatisfy({ $0 == $0.rounded() && abs($0) < 1e7 }) { return 0 }
    let sizes = numbers.filter { $0 != 0 }.map(NumberText.exponent)
    guard let smallest = sizes.min(), let largest = sizes.max(), smallest >= -4, largest < 7, largest - smallest < 3
    else { return nil }
    let decimals = max(0, 3 - largest)
    // No zeros at the end of all of them.
    let texts = numbers.map { NumberText.withoutZeros(NumberText.page.fixed($0, decimals: decimals)) }
    return texts.map { $0.drop { $0 != "." }.dropFirst().count }.max() ?? 0
  }
}

extension NumberTable.Cell {
  /// As it is printed.
  func text(decimals: Int?) -> String {
    switch self {
    case .text(let text): return text
    case .number(nil): return "diverged"
    case .number(let value?):
      return decimals.map { NumberText.page.fixed(value, decimals: $0) }
        ?? NumberText.page.significant(value, digits: 4)
    case .estimate(let value, let low, let high):
      let text = NumberText.page.estimate(value, low, high)
      return "\(text.value) (\(text.low) to \(text.high))"
    }
  }
}
