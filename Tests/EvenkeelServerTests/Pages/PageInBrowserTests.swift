#if Server
  import Evenkeel
  import EvenkeelServer
  import EvenkeelTestSupport
  import FoundationEssentials
  import Glibc
  import Testing

  /// The page in Chromium, with real mouse, touch and keys.
  @Suite(.serialized, .ownThreads, .enabled(if: Chromium.path != nil, "Chromium is not installed."))
  struct PageInBrowserTests {
    /// Serves the page of `model`, and opens it.
    private func withPage(
      of model: Model, at state: String = "", width: Int = 1280, height: Int = 800, isDark: Bool = false,
      _ body: (Chromium, _ address: String) throws -> Void
    ) async throws {
      try await withPage(
        by: PageHandler(model, name: "model"), at: state, width: width, height: height, isDark: isDark, body)
    }

    private func withPage(
      by handler: PageHandler, at state: String = "", width: Int = 1280, height: Int = 800, isDark: Bool = false,
      _ body: (Chromium, _ address: String) throws -> Void
    ) async throws {
      let server = HTTPServer(handler: handler, host: "127.0.0.1", port: 0)
      let (ports, arrival) = AsyncStream<Int>.makeStream()
      Task { try await server.serve { arrival.yield($0) } }
      defer { server.stop() }
      var iterator = ports.makeAsyncIterator()
      let port = try #require(await iterator.next())
      try withTemporaryFolder { folder in
        let browser = try Chromium(profile: folder)
        let address = "http://127.0.0.1:\(port)/"
        try browser.setScreen(width: width, height: height, isDark: isDark)
        try browser.open(address + state)
        try browser.wait(for: Self.isShown)
        try body(browser, address)
        #expect(browser.complaints.isEmpty, "\(browser.complaints)")
        for request in browser.requests where request != "about:blank" && !request.hasPrefix("data:") {
          #expect(
            request == address || request.hasPrefix(address + "?model=") || request.hasPrefix(address + "activations"),
            "\(request)")
        }
      }
    }

    /// Whether the layers are there and nothing is under way.
    private static let isShown = "document.querySelectorAll('#layers > li').length > 0 && !isAsking"

    /// A one, and a zero, as strokes in the unit square.
    private static let one = [(0.5, 0.15), (0.5, 0.85)].map { (x: $0.0, y: $0.1) }
    private static let zero = (0...32).map { step in
      let angle = Double(step) / 16 * Double.pi
      return (x: 0.5 + 0.22 * sin(angle), y: 0.5 - 0.34 * cos(angle))
    }

    /// Draws on the pad; `stroke` in shares of its sides.
    private func draw(
      _ stroke: [(x: Double, y: Double)], in browser: Chromium, byTouch: Bool = false, across: Double = 0,
      down: Double = 0
    ) throws {
      try browser.evaluate("scrollTo(0, 0); document.getElementById('clear').click()")
      let box = try #require(
        try browser.evaluate("(b => [b.left, b.top, b.width])(document.getElementById('pad').getBoundingClientRect())")
          as? [Double])
      // Many short moves, as a hand makes them.
      let fine = zip(stroke, stroke.dropFirst()).flatMap { from, to in
        (0..<4).map { step -> (x: Double, y: Double) in
          let part = Double(step) / 4
          return (from.x + (to.x - from.x) * part, from.y + (to.y - from.y) * part)
        }
      }
      let points = (fine + [stroke[stroke.count - 1]]).map { point in
        (x: box[0] + point.x * box[2] + across, y: box[1] + point.y * box[2] + down)
      }
      try byTouch ? browser.swipe(points) : browser.drag(points)
      try browser.wait(for: "!isAsking")
    }

    private func prediction(_ browser: Chromium) throws -> (name: String, sum: Double) {
      let name = try browser.evaluate("document.querySelector('#bars .best .name').textContent") as? String
      let sum = try browser.evaluate(
        "[...document.querySelectorAll('#bars data')].reduce((s, e) => s + Number(e.value), 0)")
      return (name ?? "", sum as? Double ?? (sum as? Int).map { Double($0) } ?? 0)
    }

    @Test(arguments: [false, true])
    func drawnDigitsAreRecognized(byTouch: Bool) async throws {
      try await withPage(of: try PageModels.digits.get()) { browser, address in
        for (stroke, digit) in [(Self.one, "1"), (Self.zero, "0")] {
          try draw(stroke, in: browser, byTouch: byTouch)
          let (name, sum) = try prediction(browser)
          #expect(name == digit)
          #expect(abs(sum - 1) < 1e-6)
          // The address brings the same drawing back.
          let values = try browser.evaluate("[...values]") as? [Double]
          let state = try #require(try browser.evaluate("location.hash") as? String)
          #expect(state.contains("input=s"))
          try browser.evaluate("document.getElementById('clear').click(); location.hash = '\(state)'")
          try browser.wait(for: "!isAsking && location.hash === '\(state)' && values.some(v => v > 0)")
          #expect(try browser.evaluate("[...values]") as? [Double] == values)
        }
      }
    }

    @Test(.enabled(if: Python.has("numpy"), "numpy is not installed."))
    func drawingsArePreparedAsMNISTsWere() async throws {
      try await withPage(of: try PageModels.digits.get()) { browser, _ in
        for stroke in [
          Self.one, Self.zero, [(0.1, 0.2), (0.9, 0.25), (0.3, 0.4)].map { (x: $0.0, y: $0.1) },
          [(0.9, 0.9), (0.9, 0.9)].map { (x: $0.0, y: $0.1) },
        ] {
          try draw(stroke, in: browser)
          let ink = try #require(try browser.evaluate("[...pad.ink()]") as? [Int])
          let expected: [Double] = try withTemporaryPath(".ink", containing: ink.map { UInt8($0) }) {
            try Python.json("prepare_digit.py", [$0])
          }
          let prepared = try #require(try browser.evaluate("[...values]") as? [Double])
          #expect(zip(prepared, expected).allSatisfy { abs($0 - $1) <= 1 })
          #expect(prepared.count == expected.count)
        }
      }
    }

    @Test func aShiftedDrawingIsTheSame() async throws {
      try await withPage(of: try PageModels.digits.get()) { browser, _ in
        let small = Self.zero.map { (x: 0.2 + 0.6 * $0.x, y: 0.2 + 0.6 * $0.y) }
        try draw(small, in: browser)
        let values = try #require(try browser.evaluate("[...values]") as? [Double])
        let name = try prediction(browser).name
        for (across, down) in [(28.0, -21.0), (-35.0, 14.0)] {
          try draw(small, in: browser, across: across, down: down)
          let shifted = try #require(try browser.evaluate("[...values]") as? [Double])
          #expect(try prediction(browser).name == name)
          // Points are rounded to the grid of the pad.
          let difference = zip(values, shifted).reduce(0) { $0 + abs($1.0 - $1.1) }
          #expect(difference < 0.1 * values.reduce(0, +))
        }
      }
    }

    @Test func everyNumberOfAChannelIsTheModels() async throws {
      let model = try PageModels.digits.get()
      try await withPage(of: model, at: "#input=e4&layer=5&channel=5&value=30&mode=own") { browser, _ in
        let raw = try #require(try browser.evaluate("[...values]") as? [Double]).map { Float($0) }
        for mode in NormalizationMode.allCases {
          try browser.evaluate("document.querySelector('input[value=\(mode.rawValue)]').click()")
          try browser.wait(for: "!isAsking && document.getElementById('layers').dataset.mode === '\(mode.rawValue)'")
          let activations = try model.activations(of: Tensor(raw, shape: [1, 784]), mode: mode)
          let layer = try #require(activations.first { $0.path == "5" })
          let norm = try #require(layer.norm)
          let (x, y) = (layer.channel(5, of: norm.input), layer.channel(5, of: layer.values))
          let own = try #require(norm.own)
          let listed = try #require(
            try browser.evaluate("[...document.querySelectorAll('.channel .numbers data')].map(e => Number(e.value))")
              as? [Double])
          let expected =
            [norm.scale![5], norm.shift![5], norm.running.mean[5], norm.running.variance[5]].map { Double($0) }
            + [norm.epsilon, own.mean(5), own.variance(5)]
          #expect(listed.count == expected.count)
          for (ours, theirs) in zip(listed, expected) { #expect(abs(ours - theirs) < 1e-6 * (1 + abs(theirs))) }
          // The formula, by its results and the value that goes in.
          let formula = try #require(
            try browser.evaluate("[...document.querySelectorAll('.channel .formula data')].map(e => Number(e.value))")
              as? [Double])
          #expect(formula.contains { abs($0 - Double(x[30])) < 1e-6 })
          #expect(formula.contains { abs($0 - Double(y[30])) < 1e-6 })
          if mode != .none {
            let (mean, variance) = mode == .own ? (expected[5], expected[6]) : (expected[2], expected[3])
            let hat = (Double(x[30]) - mean) / (variance + norm.epsilon).squareRoot()
            #expect(formula.contains { abs($0 - hat) < 1e-4 * (1 + abs(hat)) })
            #expect(abs(expected[0] * hat + expected[1] - Double(y[30])) < 1e-3)
          }
          // The histogram follows the mode.
          let counts = try #require(
            try browser.evaluate(
              "[...document.querySelectorAll('.channel .histogram path[data-counts]')].map(e => e.dataset.counts.split(' ').map(Number))"
            )
              as? [[Int]])
          #expect(counts.count == 2)
          let all = x + y
          let (low, high) = (Double(all.min()!), Double(all.max()!))
          for (values, shown) in zip([x, y], counts) {
            let histogram = PageReply.Histogram(from: low, to: high, before: [], after: [])
            #expect(histogram.counts(values, in: shown), "\(mode)")
          }
          let bars =
            try browser.evaluate("[...document.querySelectorAll('#bars data')].map(e => Number(e.value))") as? [Double]
          for (ours, theirs) in zip(bars ?? [], model.predictions(of: activations)) {
            #expect(abs(ours - theirs) < 1e-6)
          }
        }
      }
    }

    @Test func aNormWithOneValueAChannelSaysSo() async throws {
      try await withPage(of: try PageModels.digits.get(), at: "#input=e2&mode=own&layer=10&channel=3") { browser, _ in
        let notes =
          try browser.evaluate("[...document.querySelectorAll('#layer-10 .note')].map(e => e.textContent)") as? [String]
        #expect(notes?.count == 2)
        #expect(notes?.allSatisfy { $0.hasPrefix("One value per channel") } == true)
        let undefined = try browser.evaluate(
          "document.querySelector('.channel .numbers').textContent.match(/undefined/g).length")
        #expect(undefined as? Int == 2)
      }
    }

    @Test func keysReachAChannel() async throws {
      try await withPage(of: try PageModels.digits.get()) { browser, _ in
        try browser.evaluate("document.querySelector('#layer-1 canvas').focus()")
        for _ in 0..<3 { try browser.press("ArrowRight", code: 39) }
        try browser.press("Enter", code: 13)
        try browser.wait(for: "!isAsking && document.getElementById('channel-title') !== null")
        #expect(
          try browser.evaluate("document.getElementById('channel-title').textContent") as? String
            == "Channel 3 of layer 1, batch norm")
        #expect((try browser.evaluate("location.hash") as? String)?.contains("layer=1&channel=3") == true)
        try browser.evaluate("document.querySelector('.channel .close').focus()")
        try browser.press("Escape", code: 27)
        #expect(try browser.evaluate("document.getElementById('channel-title') === null") as? Bool == true)
      }
    }

    @Test func anotherModelIsALinkAway() async throws {
      let digits = try PageModels.digits.get()
      try await withService([
        ("digits", try ModelEnsemble([digits])), ("pair", try ModelEnsemble([digits, digits])),
        ("table", try ModelEnsemble([try PageModels.table.get()])),
      ]) { service, _, _ in
        try await withPage(by: PageHandler(service), at: "#input=e4&mode=own&layer=1&channel=2") { browser, _ in
          func follow(_ link: String, until state: String) throws {
            try browser.evaluate(
              "[...document.querySelectorAll('#choices a')].find(e => e.textContent === '\(link)').focus()")
            try browser.press("Enter", code: 13)
            try browser.wait(for: "location.search + location.hash === '\(state)' && \(Self.isShown)")
          }
          func expectChosen(_ names: [String]) throws {
            let shown =
              try browser.evaluate(
                "[...document.querySelectorAll('#choices [aria-current=page]')].map(e => e.textContent)")
              as? [String]
            #expect(shown == names)
          }
          try expectChosen(["digits"])
          // The drawing is the same; a layer of one model says nothing of another's.
          try follow("pair", until: "?model=pair#mode=own&input=e4")
          try expectChosen(["pair", "1"])
          try follow("2", until: "?model=pair&member=2#mode=own&input=e4")
          try expectChosen(["pair", "2"])
          #expect(
            try browser.evaluate("document.querySelector('#choices p').textContent") as? String
              == "pair averages the predictions of 2 networks. This page shows one of them, and what it alone predicts."
          )
          // A form has no drawing, and keeps it for the way back.
          try follow("table", until: "?model=table#mode=own&input=e4")
          #expect(try browser.evaluate("document.querySelectorAll('#field-0').length") as? Int == 1)
        }
      }
    }

    @Test func anAddressWithALayerThatTheModelHasNotShowsTheRest() async throws {
      for state in ["#input=e3&layer=77&channel=0", "#input=e3&layer=1&channel=99"] {
        try await withPage(of: try PageModels.digits.get(), at: state) { browser, _ in
          let shown = try browser.evaluate("[location.hash, byId('trouble').textContent]") as? [String]
          #expect(shown == ["#input=e3", ""])
        }
      }
    }

    @Test func aFormAsksForARow() async throws {
      let model = try PageModels.table.get()
      try await withPage(of: model) { browser, _ in
        for (size, color) in [("9.5", "blue"), ("0.5", "green"), ("", "red")] {
          try browser.evaluate(
            """
            (set => { set(0, '\(size)'); set(1, '\(color)'); set(2, '2024-05-06'); })((index, value) => {
              const input = document.getElementById('field-' + index);
              input.value = value;
              input.dispatchEvent(new Event('input'));
            })
            """)
          try browser.wait(for: "!isAsking")
          let shown =
            try browser.evaluate("[...document.querySelectorAll('#bars data')].map(e => Number(e.value))") as? [Double]
          let predicted: [Double] = try withTemporaryPath(
            ".csv", containing: "size,color,day\n\(size),\(color),2024-05-06\n"
          ) {
            path in
            try model.predictInDouble(try Dataset.readForUse(path, by: model, targets: false).dataset)
          }
          #expect(shown?.count == 2)
          for (ours, theirs) in zip(shown ?? [], predicted) { #expect(abs(ours - theirs) < 1e-6) }
        }
        #expect(
          try browser.evaluate("document.querySelector('.small').textContent") as? String == "trained on 0 to 9.9")
      }
    }

    @Test(arguments: [(360, 740), (1280, 800)], [false, true])
    func nothingIsCutOffAndAllTextIsReadable(size: (Int, Int), isDark: Bool) async throws {
      for (model, state) in [
        (try PageModels.digits.get(), "#input=e3&layer=1&channel=2"), (try PageModels.table.get(), ""),
      ] {
        try await withPage(of: model, at: state, width: size.0, height: size.1, isDark: isDark) { browser, _ in
          #expect(try browser.evaluate("document.documentElement.scrollWidth <= innerWidth") as? Bool == true)
          let faults = try browser.evaluate(Self.faults) as? [String]
          #expect(faults == [], "\(size), \(isDark ? "dark" : "light")")
        }
      }
    }

    /// Elements that reach beyond the page, and texts whose contrast is below 4.5.
    private static let faults = #"""
      (() => {
        const faults = [];
        const light = color => {
          const [r, g, b] = color.match(/[\d.]+/g).map(Number).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const ground = e => {
          for (; e; e = e.parentElement) {
            const color = getComputedStyle(e).backgroundColor;
            if (color !== 'rgba(0, 0, 0, 0)') return color;
          }
          return 'rgb(255, 255, 255)';
        };
        for (const e of document.querySelectorAll('body *')) {
          const box = e.getBoundingClientRect();
          if (box.width === 0 || getComputedStyle(e).visibility === 'hidden') continue;
          if (box.right > innerWidth + 1 || box.left < -1) faults.push(`${e.tagName}.${e.className} reaches beyond the page`);
          if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
          if (['SCRIPT', 'STYLE', 'OPTION'].includes(e.tagName)) continue;
          const style = getComputedStyle(e);
          const [a, b] = [light(e instanceof SVGElement ? style.fill : style.color), light(ground(e))].sort((a, b) => b - a);
          if ((a + 0.05) / (b + 0.05) < 4.5) faults.push(`"${e.textContent.trim().slice(0, 30)}" has the contrast ${(a + 0.05) / (b + 0.05)}`);
        }
        return [...new Set(faults)];
      })()
      """#
  }
#endif
