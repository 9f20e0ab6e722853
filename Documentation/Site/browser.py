"""Opens the site's pages in headless Chromium, as wide as a phone, and looks for what a reader would stumble over."""
import contextlib
import functools
import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading

WIDTH = 360
# Of a page whose content has come: its heading, its width, where its links lead, and pictures that are none.
MEASURE = """
new Promise(resolve => {
  const started = performance.now();
  const wait = () => {
    const heading = document.querySelector('h1')?.textContent.trim();
    const pictures = [...document.querySelectorAll('#app main img')];
    const ready = heading && pictures.every(i => i.complete || i.loading == 'lazy');
    if (!ready && performance.now() - started < 120000) return setTimeout(wait, 20);
    requestAnimationFrame(() => resolve(JSON.stringify({
      heading: heading || '',
      width: document.documentElement.scrollWidth,
      links: [...document.querySelectorAll('#app a[href]')].map(a => a.href),
      images: pictures.filter(i => i.complete && !i.naturalWidth).map(i => i.src),
    })));
  };
  wait();
})
"""


@contextlib.contextmanager
def served(site, port=0):
    """The site at an address of its own."""
    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), functools.partial(Handler, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def program():
    return next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)


class Browser:
    """Chromium, spoken to through a pipe (the DevTools protocol)."""

    def __init__(self):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        (their_input, self.output), (self.input, their_output) = os.pipe(), os.pipe()

        def connect():  # Chromium reads commands from 3 and answers on 4.
            first, second = os.dup(their_input), os.dup(their_output)
            os.dup2(first, 3)
            os.dup2(second, 4)
            os.set_inheritable(3, True)
            os.set_inheritable(4, True)
        self.process = subprocess.Popen(
            [program(), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe",
             f"--user-data-dir={self.profile.name}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=False, preexec_fn=connect)
        os.close(their_input)
        os.close(their_output)
        self.rest, self.count, self.session, self.errors = b"", 0, None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=WIDTH, height=800, deviceScaleFactor=1, mobile=True)

    def close(self):
        self.process.terminate()
        self.process.wait()
        os.close(self.input)
        os.close(self.output)
        self.profile.cleanup()

    def call(self, method, **parameters):
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.output, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == self.count:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.note(answer)

    def read(self):
        while b"\0" not in self.rest:
            data = os.read(self.input, 1 << 16)
            if not data:
                raise RuntimeError("Chromium has ended.")
            self.rest += data
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def note(self, event):
        values = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            self.errors.append(values["exceptionDetails"].get("exception", {}).get("description", "exception"))
        elif event.get("method") == "Runtime.consoleAPICalled" and values["type"] == "error":
            self.errors.append(" ".join(str(part.get("value", part.get("description"))) for part in values["args"]))
        elif event.get("method") == "Log.entryAdded" and values["entry"]["level"] == "error":
            self.errors.append(f"{values['entry']['text']} {values['entry'].get('url', '')}")

    def measure(self, address):
        """Opens a page. Returns its measures and the errors of its console."""
        self.errors = []
        self.call("Page.navigate", url=address)
        while True:  # The old page may be asked before the new one is there.
            try:
                result = self.call("Runtime.evaluate", expression=MEASURE, awaitPromise=True, returnByValue=True)
                if "value" in result["result"]:
                    return json.loads(result["result"]["value"]), self.errors
            except RuntimeError as error:
                if "context" not in str(error) and "navigated" not in str(error):
                    raise


def check(site, paths):
    """Returns the faults of the pages at these paths, a sentence each."""
    faults = []
    with served(site) as address:
        browser = Browser()
        try:
            for path in paths:
                measures, errors = browser.measure(address + path)
                faults += [f"{path}: {fault}" for fault in page_faults(site, address, measures, errors)]
        finally:
            browser.close()
    return faults


def page_faults(site, address, measures, errors):
    if not measures["heading"]:
        yield "no heading"
    if measures["width"] > WIDTH:
        yield f"{measures['width']} pixels wide on a screen of {WIDTH}"
    for link in sorted(set(measures["links"])):
        if link.startswith(address) and not exists(site, link.removeprefix(address)):
            yield f"a dead link to {link.removeprefix(address)}"
    for image in measures["images"]:
        yield f"{image.removeprefix(address)} is no picture"
    for error in errors:
        yield f"the console says {error}"


def exists(site, path):
    file = site / path.split("#")[0].split("?")[0].strip("/")
    return file.is_file() or (file / "index.html").is_file()
