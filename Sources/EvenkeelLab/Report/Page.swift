import Evenkeel

extension Report {
  /// The report as one self-contained page: no network, no script. The same values give the same bytes.
  package func html() -> String {
    let anchors = anchors
    return Markup.page(
      title: title, kicker: "Evenkeel laboratory",
      facts: [("Data", data), ("Machine", machine), ("Version", version), ("Date", date)],
      footer: "Made by \(version) on \(date). Medians are over seeds; intervals hold 95 % (bootstrap)."
    ) { main in
      summary(&main, anchors)
      for (claim, anchor) in zip(claims, anchors) {
        main.append(markup: "\n")
        claim.write(to: &main, id: anchor)
      }
    }
  }

  /// Writes the page whole or not at all.
  /// - Throws: `EvenkeelError` with code `cannotWrite`.
  package func write(to path: String) throws { try AtomicFile.write(html(), to: path) }

  /// The claims' names as ids: small letters, digits and hyphens, each once.
  var anchors: [String] {
    var used: Set<String> = []
    return claims.map { claim in
      let name = String(claim.name.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
      var anchor = name.isEmpty ? "claim" : name
      var count = 1
      while !used.insert(anchor).inserted {
        count += 1
        anchor = "\(name)-\(count)"
      }
      return anchor
    }
  }

  private func summary(_ main: inout Markup, _ anchors: [String]) {
    main.element("section", ["class": "summary", "aria-labelledby": "summary"]) { section in
      section.element("h2", ["id": "summary"], "What was found")
      guard !claims.isEmpty else { return section.element("p", ["class": "absence"], "No claim has been tried yet.") }
      section.element("ul", ["class": "tally"]) { list in
        for verdict in Verdict.allCases {
          let count = claims.count { $0.verdict == verdict }
          list.element("li", ["class": verdict.style]) {
            verdict.sign(&$0)
            $0.element("b", [:], String(count))
            $0.append(" " + verdict.label)
          }
        }
      }
      section.element("table", ["class": "claims"]) { table in
        table.element("thead") {
          $0.element("tr") { row in
            for name in ["Claim", "Verdict", "Effect"] { row.element("th", ["scope": "col"], name) }
          }
        }
        table.element("tbody") { rows in
          for (claim, anchor) in zip(claims, anchors) {
            rows.element("tr") { row in
              row.element("th", ["scope": "row"]) { $0.element("a", ["href": "#" + anchor], claim.title) }
              row.element("td") { claim.verdict.badge(&$0) }
              row.element("td") { cell in
                if let effect = claim.effect {
                  effect.write(to: &cell)
                } else {
                  cell.element("span", ["class": "none"], "no figure yet")
                }
              }
            }
          }
        }
      }
    }
  }
}

extension Markup {
  /// A self-contained page in the style of the laboratory: no network, no script.
  static func page(
    title: String, kicker: String, facts: [(name: String, value: String)], footer: String,
    _ main: (inout Markup) -> Void
  ) -> String {
    var page = Markup()
    page.append(markup: "<!DOCTYPE html>\n")
    page.element("html", ["lang": "en"]) { page in
      page.element("head") { head in
        head.element("meta", ["charset": "utf-8"])
        head.element("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
        head.element("meta", ["name": "color-scheme", "content": "light dark"])
        head.element("title", [:], title)
        // No request for an icon either.
        head.element("link", ["rel": "icon", "href": "data:,"])
        head.element("style") { $0.append(markup: Stylesheet.page) }
      }
      page.element("body") { body in
        body.element("header") { header in
          header.element("p", ["class": "kicker"], kicker)
          header.element("h1", [:], title)
          header.element("dl", ["class": "facts"]) { list in
            for (name, value) in facts {
              list.element("div") {
                $0.element("dt", [:], name)
                $0.element("dd", [:], value)
              }
            }
          }
        }
        body.element("main", [:], main)
        body.element("footer") { $0.element("p", [:], footer) }
      }
    }
    return page.text + "\n"
  }
}
