extension ClaimReport {
  /// The claim's section: question, finding, set-up, figures, numbers, rule, command, notes.
  func write(to main: inout Markup, id: String) {
    main.element("section", ["class": "claim", "id": id, "aria-labelledby": "\(id)-heading"]) { section in
      section.element("h2", ["id": "\(id)-heading"], title)
      section.element("p", ["class": "question"], question)
      finding(&section)
      section.element("div", ["class": "setup"]) { block in
        block.element("h3", [:], "Set-up")
        for paragraph in setup { block.element("p", [:], paragraph) }
      }
      for (index, figure) in figures.enumerated() { figure.write(to: &section, id: "\(id)-figure-\(index + 1)") }
      for table in tables { table.write(to: &section) }
      section.element("div", ["class": "method"]) { method in
        method.element("h3", [:], "The verdict’s rule")
        method.element("p", [:], rule)
        method.element("h3", [:], "Reproduce it")
        method.element("pre", ["tabindex": "0"]) { $0.element("code", [:], command) }
        method.element("p", ["class": "counts"], counts)
      }
      if !notes.isEmpty {
        section.element("ul", ["class": "notes"]) { list in
          for note in notes { list.element("li", [:], note) }
        }
      }
    }
  }

  private func finding(_ section: inout Markup) {
    section.element("div", ["class": "finding \(verdict.style)"]) { box in
      verdict.badge(&box)
      if let effect {
        box.element("p") { effect.write(to: &$0) }
      } else {
        box.element("p", ["class": "none"], "The trials do not give the size of an effect.")
      }
    }
  }

  private var counts: String {
    let number = { (count: Int) in NumberText.fixed(Double(count), decimals: 0) }
    let seeds = "\(number(self.seeds)) \(self.seeds == 1 ? "seed" : "seeds")"
    let trials = "\(number(self.trials)) \(self.trials == 1 ? "trial" : "trials")"
    return divergedTrials == 0
      ? "\(seeds), \(trials)." : "\(seeds), \(trials), of which \(number(divergedTrials)) diverged."
  }
}

extension Effect {
  /// "5.2 times fewer steps", then the interval, smaller.
  func write(to markup: inout Markup) {
    let text = NumberText.estimate(value, low, high)
    markup.element("span", ["class": "effect"]) {
      $0.element("b", [:], text.value)
      $0.append(" " + name)
    }
    markup.append(" ")
    markup.element("span", ["class": "interval"], "95 % interval \(text.low) to \(text.high)")
  }
}

extension Verdict {
  /// As it is printed.
  var label: String {
    switch self {
    case .supported: "supported"
    case .notSupported: "not supported"
    case .undecided: "undecided"
    }
  }

  /// The class that sets its colors.
  var style: String {
    switch self {
    case .supported: "supported"
    case .notSupported: "not-supported"
    case .undecided: "undecided"
    }
  }

  /// The verdict with its sign: color is never alone in telling it.
  func badge(_ markup: inout Markup) {
    markup.element("span", ["class": "badge \(style)"]) {
      sign(&$0)
      $0.append(label)
    }
  }

  func sign(_ markup: inout Markup) {
    let path =
      switch self {
      case .supported: "M2.5 6.5L5 9L9.5 3"
      case .notSupported: "M3 3L9 9M9 3L3 9"
      case .undecided: "M2.5 7Q4.25 4 6 6T9.5 5"
      }
    markup.element("svg", ["class": "sign", "viewBox": "0 0 12 12", "aria-hidden": "true"]) {
      $0.element("path", ["d": path])
    }
  }
}
