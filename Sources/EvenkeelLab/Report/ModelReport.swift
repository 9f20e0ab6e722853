import Evenkeel

/// A page about one model, as a value: how it was trained, how well it does, what it looks at. `html()` draws it.
package struct ModelReport: Hashable, Sendable {
  package var title: String
  /// What is true of the whole: "Network", "784-256-10 relu batchNorm".
  package var facts: [Fact]
  /// The number that counts most; nil where there is none.
  package var result: Result?
  /// In the order of the page.
  package var sections: [Section] = []
  /// The command that made the page.
  package var command: String
  /// What stands at the end: who made the page, and when.
  package var footer: String

  package init(title: String, facts: [Fact], command: String, footer: String) {
    (self.title, self.facts, self.command, self.footer) = (title, facts, command, footer)
  }

  /// A name and what it stands for.
  package struct Fact: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
  }

  /// A number beside that of a guess.
  package struct Result: Hashable, Sendable {
    /// With its unit: "97.2 %".
    package var value: String
    /// What is measured, and on what: "accuracy on 36 rows".
    package var name: String
    /// What to compare with; may be empty.
    package var note: String
    /// nil if there is nothing to compare with.
    package var isBetterThanGuessing: Bool?
  }

  /// A chapter of the page.
  package struct Section: Hashable, Sendable {
    /// Unique in the page, and the beginning of its figures' ids.
    package var id: String
    package var title: String
    package var paragraphs: [String] = []
    package var figures: [Figure] = []
    package var tables: [NumberTable] = []
    package var remarks: [Remark] = []

    package init(_ id: String, _ title: String) { (self.id, self.title) = (id, title) }
  }

  /// A finding with its remedy.
  package struct Remark: Hashable, Sendable {
    package enum Tone: String, Hashable, Sendable { case note, warning, illness }
    package var tone: Tone
    package var text: String
    package var remedy: String

    package init(_ tone: Tone, _ text: String, remedy: String) {
      (self.tone, self.text, self.remedy) = (tone, text, remedy)
    }
  }
}

extension ModelReport {
  /// The page: self-contained, without a script. The same values give the same bytes.
  package func html() -> String {
    Markup.page(
      title: title, kicker: "Evenkeel model", facts: facts.map { ($0.name, $0.value) }, footer: footer
    ) { main in
      result?.write(to: &main)
      for section in sections {
        main.append(markup: "\n")
        section.write(to: &main)
      }
      main.element("section", ["class": "claim", "id": "command", "aria-labelledby": "command-heading"]) { section in
        section.element("h2", ["id": "command-heading"], "The command")
        section.element("pre", ["tabindex": "0"]) { $0.element("code", [:], command) }
      }
    }
  }

  /// Writes the page whole or not at all.
  /// - Throws: `EvenkeelError` with code `cannotWrite`.
  package func write(to path: String) throws { try AtomicFile.write(html(), to: path) }
}

extension ModelReport.Result {
  fileprivate func write(to markup: inout Markup) {
    let style = isBetterThanGuessing.map { $0 ? "supported" : "not-supported" } ?? "undecided"
    markup.element("div", ["class": "finding \(style)"]) { box in
      box.element("p") { line in
        line.element("span", ["class": "effect"]) {
          $0.element("b", [:], value)
          $0.append(" " + name)
        }
        if !note.isEmpty { line.element("span", ["class": "interval"], note) }
      }
    }
  }
}

extension ModelReport.Section {
  fileprivate func write(to main: inout Markup) {
    main.element("section", ["class": "claim", "id": id, "aria-labelledby": "\(id)-heading"]) { section in
      section.element("h2", ["id": "\(id)-heading"], title)
      if !paragraphs.isEmpty {
        section.element("div", ["class": "text"]) { block in
          for paragraph in paragraphs { block.element("p", [:], paragraph) }
        }
      }
      if !remarks.isEmpty {
        section.element("ul", ["class": "remarks"]) { list in
          for remark in remarks {
            list.element("li") { item in
              item.element("span", ["class": "badge \(remark.tone.style)"], remark.tone.rawValue)
              item.element("p", [:], remark.text)
              item.element("p", ["class": "remedy"], remark.remedy)
            }
          }
        }
      }
      for (index, figure) in figures.enumerated() { figure.write(to: &section, id: "\(id)-figure-\(index + 1)") }
      for table in tables { table.write(to: &section) }
    }
  }
}

extension ModelReport.Remark.Tone {
  fileprivate var style: String { self == .illness ? "not-supported" : self == .warning ? "doubtful" : "undecided" }
}
