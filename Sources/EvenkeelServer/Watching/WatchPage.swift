import Evenkeel
import EvenkeelLab

/// The page that shows runs: one file that asks no other server for anything.
///
/// It follows `/events`, or holds what it shows. The script is in four parts: what runs tell (`WatchPage+Runs`), how
/// a chart is drawn (`WatchPage+Charts`), what the page is made of (`WatchPage+View`), and when (`WatchPage+Following`).
package enum WatchPage {
  /// What the page may do, for browsers: run its own script and style, and follow its own server.
  static let policy =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

  /// The page that follows the server that it came from.
  static func live(title: String) -> String { page(title: title, data: nil) }

  /// - Parameter data: What the page shows, as JSON that holds no "<"; nil to follow a server.
  static func page(title: String, data: String?) -> String {
    let title = title.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
    return """
      <!DOCTYPE html>
      <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark"><title>\(title)</title><link rel="icon" href="data:,">
      <style>\(Stylesheet.page)\(style)</style></head>
      <body><header><p class="kicker">Evenkeel runs</p><h1>\(title)</h1><p id="state" role="status"></p></header>
      <main>\(skeleton)</main>
      <footer><p>Evenkeel \(Release.version). The page changes nothing about the runs.</p></footer>
      \(data.map { "<script type=\"application/json\" id=\"data\">\($0)</script>\n" } ?? "")\
      <p id="spoken" class="spoken" aria-live="polite"></p>
      <script>\(runs)\(charts)\(view)\(following)</script></body></html>

      """
  }

  /// What is there before anything is known of a run.
  private static let skeleton = """
    <section aria-labelledby="runs-heading"><h2 id="runs-heading" class="spoken">Runs</h2>
    <p class="absence" id="nothing">No run has written a line yet. The page fills as soon as one does.</p>
    <div id="runs"></div></section>
    <form id="options" hidden><fieldset><legend>Horizontal</legend>\
    <label><input type="radio" name="x" value="step" checked> steps</label>\
    <label><input type="radio" name="x" value="epoch"> epochs</label>\
    <label><input type="radio" name="x" value="seconds"> time</label></fieldset>\
    <label><input type="checkbox" name="logarithmic"> logarithmic loss</label>\
    <span id="all" hidden><button type="button" value="all">All runs</button><button type="button" value="none">None</button></span></form>
    <section aria-labelledby="curves-heading" hidden><h2 id="curves-heading">Curves</h2><div class="charts" id="curves"></div></section>
    <section aria-labelledby="trials-heading" hidden><h2 id="trials-heading">Trials</h2><div class="charts" id="trials"></div></section>
    <section aria-labelledby="norms-heading" hidden><h2 id="norms-heading">Batch norms</h2>
    <p class="question">What the doctor looks at in every norm after each epoch. A column has one scale, so that layers compare.</p>
    <div id="norms"></div></section>
    <section aria-labelledby="settings-heading" hidden><h2 id="settings-heading">Settings</h2>
    <div class="numbers" id="settings" tabindex="0" role="region" aria-label="Settings"></div></section>
    """
}
