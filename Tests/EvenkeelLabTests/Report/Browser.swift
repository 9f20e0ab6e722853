import Foundation

/// Headless Chromium, in which pages are opened at given widths and measured.
enum Browser {
  /// Where Chromium is; `nil` where it is not installed.
  static let path: String? = {
    let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
    return ["chromium", "chromium-browser", "google-chrome"].lazy.flatMap { name in folders.map { "\($0)/\(name)" } }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  /// What a page looked like at one width.
  struct Measures: Decodable {
    var width: Int
    /// Sentences, each of something that is wrong.
    var faults: [String]
    var figures: Int
    var drawings: Int
    /// What the page asked the network for.
    var requests: [String]
    var scripts: Int
  }

  /// Opens `page` at each width, with a script added that measures it.
  /// - Returns: The measures, and what Chromium printed to its console.
  static func measure(_ page: String, widths: [Int]) throws -> (measures: [Measures], console: [String]) {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("evenkeel-browser-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let measured = page.replacingOccurrences(of: "</body>", with: "<script>\(script)</script></body>")
    let attribute = measured.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "\"", with: "&quot;")
    let frames = widths.map {
      "<iframe style=\"width:\($0)px;height:900px;border:0\" srcdoc=\"\(attribute)\"></iframe>"
    }
    let file = folder.appendingPathComponent("frames.html")
    try "<!DOCTYPE html><meta charset=utf-8><body><pre id=results></pre>\(frames.joined())</body>"
      .write(to: file, atomically: true, encoding: .utf8)

    let (output, log) = (folder.appendingPathComponent("dom"), folder.appendingPathComponent("log"))
    for url in [output, log] { _ = FileManager.default.createFile(atPath: url.path, contents: nil) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "timeout", "600", path!, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
      "--enable-logging=stderr",
      "--user-data-dir=\(folder.appendingPathComponent("profile").path)", "--window-size=1400,900", "--dump-dom",
      file.absoluteString,
    ]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: log)
    try process.run()
    process.waitUntilExit()
    let page = try String(contentsOf: output, encoding: .utf8)
    let console = try String(contentsOf: log, encoding: .utf8).split(separator: "\n").map(String.init)
      .filter { $0.contains("CONSOLE") }
    guard let start = page.range(of: "<pre id=\"results\">"), let end = page.range(of: "</pre>") else {
      throw CocoaError(.fileReadCorruptFile)
    }
    let lines = page[start.upperBound..<end.lowerBound].split(separator: "\n")
    let measures = try lines.map { line in
      let text = line.replacingOccurrences(of: "&lt;", with: "<").replacingOccurrences(of: "&gt;", with: ">")
        .replacingOccurrences(of: "&amp;", with: "&")
      return try JSONDecoder().decode(Measures.self, from: Data(text.utf8))
    }
    return (measures.sorted { $0.width > $1.width }, console)
  }

  /// Looks for what a reader would stumble over.
  private static let script = #"""
    const faults = [];
    addEventListener('error', e => faults.push('error: ' + e.message), true);
    addEventListener('load', () => {
      const width = document.documentElement.clientWidth;
      const name = e => e.tagName + '.' + (e.getAttribute('class') || '') + ' "' + e.textContent.trim().slice(0, 40) + '"';
      if (document.documentElement.scrollWidth > width) faults.push('the page scrolls sideways');
      for (const e of document.body.querySelectorAll('*')) {
        const scrolls = e.closest('.numbers') && !e.matches('.numbers');
        if (!scrolls && !e.closest('thead') && !e.closest('svg') && e.getBoundingClientRect().right > width + 1)
          faults.push(name(e) + ' reaches beyond the page');
      }
      const visible = e => getComputedStyle(e).display != 'none';
      const has = (e, selector) => [...e.querySelectorAll(selector)].some(x => x.textContent.trim() != '');
      const figures = [...document.querySelectorAll('figure')];
      let drawings = 0;
      for (const figure of figures) {
        if (!has(figure, 'h3')) faults.push(figure.id + ' has no title');
        if (!has(figure, 'figcaption')) faults.push(figure.id + ' has no caption');
        if (figure.querySelector('.absence')) continue;
        const shown = [...figure.querySelectorAll(':scope > svg')].filter(visible);
        if (shown.length != 1) faults.push(figure.id + ' shows ' + shown.length + ' drawings');
        for (const svg of shown) {
          drawings += 1;
          if (svg.getAttribute('role') != 'img') faults.push(figure.id + ' is no image to screen readers');
          const ids = (svg.getAttribute('aria-labelledby') || '').split(' ');
          if (!ids.every(id => document.getElementById(id)?.textContent.trim()))
            faults.push(figure.id + ' has no alternative text');
          for (const axis of ['.x-title', '.y-title']) if (!has(svg, axis)) faults.push(figure.id + ' has no ' + axis);
          if (!has(svg, '.tick')) faults.push(figure.id + ' has no tick labels');
          const box = svg.getBoundingClientRect();
          const texts = [...svg.querySelectorAll('text')].map(e => [e, e.getBoundingClientRect()]);
          for (const [e, t] of texts)
            if (t.left < box.left - 1.5 || t.right > box.right + 1.5 || t.top < box.top - 1.5 || t.bottom > box.bottom + 1.5)
              faults.push(figure.id + ': ' + name(e) + ' is cut off');
          const solid = texts.filter(([e]) => !e.matches('.reference-label, .ring-label'));
          for (let i = 0; i < solid.length; i++) for (let j = 0; j < i; j++) {
            const [a, b] = [solid[i][1], solid[j][1]];
            const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
            if (across > 1 && down > 3.5) faults.push(figure.id + ': ' + name(solid[i][0]) + ' lies on ' + name(solid[j][0]));
          }
        }
      }
      const requests = performance.getEntriesByType('resource').map(e => e.name);
      const scripts = document.querySelectorAll('script').length - 1;
      parent.document.getElementById('results').textContent +=
        JSON.stringify({width, faults, figures: figures.length, drawings, requests, scripts}) + '\n';
    });
    """#
}
