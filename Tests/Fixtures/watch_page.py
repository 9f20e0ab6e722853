"""Follows a log by `evenkeel watch`, with curl or in Chromium, while the log grows and the server is started anew.

    watch_page.py curl COMMAND LINES FOLDER    the events that came, over a cut
    watch_page.py page COMMAND LINES FOLDER    what the page shows at the end, and what went wrong in it
    watch_page.py export PAGE                  the same of a page in a file

LINES is a whole log; it is written to FOLDER/run.jsonl piece by piece.
"""
import json
import re
import signal
import subprocess
import sys
import time

from chromium import Chromium


class Server:
    def __init__(self, command, folder, port=0):
        self.process = subprocess.Popen(
            [command, "watch", folder, "--port", str(port)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.url = re.search(r"http://127\.0\.0\.1:(\d+)/", line).group(0)
        self.port = int(re.search(r":(\d+)/", line).group(1))

    def stop(self):
        """Asks it to end, as Ctrl-C does, while others read."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


def pieces(path, count):
    """The log in parts that end anywhere."""
    data = open(path, "rb").read()
    size = len(data) // count + 1
    return [data[start:start + size] for start in range(0, len(data), size)]


def append(path, data):
    with open(path, "ab") as file:
        file.write(data)


def curl(command, lines, folder):
    parts, log, events, codes, last = pieces(lines, 12), folder + "/run.jsonl", [], [], ""
    server = Server(command, folder)
    for half in [parts[:6], parts[6:]]:
        if codes:
            server = Server(command, folder, server.port)
        headers = ["--header", f"Last-Event-ID: {last}"] if last else []
        reader = subprocess.Popen(["curl", "--silent", "--no-buffer", *headers, server.url + "events"], stdout=subprocess.PIPE)
        for part in half:
            append(log, part)
            time.sleep(0.1)
        text, whole = b"", sum(map(len, parts[:6] if not codes else parts))
        while f"-{to36(behind(log, whole))}-".encode() not in text:
            text += reader.stdout.read1()
        codes.append(server.stop())
        text += reader.stdout.read()
        reader.wait(60)
        # An event counts once its empty line is there.
        for event in text.decode().split("\n\n")[:-1]:
            fields = dict(line.split(": ", 1) for line in event.split("\n") if not line.startswith(":") and ": " in line)
            last = fields.get("id", last)
            events.append(fields)
    return {"events": events, "codes": codes}


def to36(number):
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return (to36(number // 36) if number >= 36 else "") + digits[number % 36]


def behind(log, most):
    """The end of the last whole line."""
    return open(log, "rb").read()[:most].rfind(b"\n") + 1


SHOWN = """(() => {
  const run = [...runs.values()][0];
  const points = curve => curve.points.map(p => [p.step, p.value]);
  const named = (of, f) => Object.fromEntries([...of].map(([name, value]) => [name, f(value)]));
  return {
    lines: run.lines, name: run.name, curves: named(run.curves, points),
    norms: named(run.norms, norm => named(Object.entries(norm.curves), points)), status: document.querySelector('.badge').textContent,
    charts: document.querySelectorAll('#curves svg, #norms svg').length,
  };
})()"""


def shown(page):
    page.until("[...document.querySelectorAll('.badge')].length && runs.values().next().value?.end && !isDue")
    result = page.value(SHOWN)
    result["overflow"] = []
    for width in [360, 1280]:
        page.view(width, dark=width == 360)
        page.until(f"innerWidth == {width} && !isDue && [...document.querySelectorAll('#curves svg')].every(s => s.clientWidth <= {width})")
        if page.value("document.documentElement.scrollWidth > innerWidth"):
            result["overflow"].append(width)
    # What the arrow keys read.
    page.value("document.querySelector('#curves .plot').focus()")
    page.value("document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'End', cancelable: true}))")
    result["spoken"] = page.value("document.querySelector('#spoken').textContent")
    return result


def page(command, lines, folder):
    parts, log = pieces(lines, 12), folder + "/run.jsonl"
    server = Server(command, folder)
    with Chromium() as chromium:
        chromium.view(1280)
        chromium.open(server.url)
        for part in parts[:4]:
            append(log, part)
            time.sleep(0.1)
        chromium.until("runs.values().next().value?.lines > 0")
        code = server.stop()
        chromium.until("document.querySelector('#state').className == 'lost'")
        # What is written while nobody serves it.
        for part in parts[4:8]:
            append(log, part)
        expected = chromium.faults()
        server = Server(command, folder, server.port)
        for part in parts[8:]:
            append(log, part)
            time.sleep(0.1)
        result = shown(chromium)
        # That a server is gone is an error to the browser.
        result["faults"] = [fault for fault in chromium.faults() if "ERR_CONNECTION_REFUSED" not in fault and "ERR_INCOMPLETE" not in fault
                            and "ERR_EMPTY_RESPONSE" not in fault and "ERR_CONNECTION_RESET" not in fault and fault not in expected]
        result["foreign"] = [url for url in chromium.requests() if not url.startswith((server.url, "data:", "about:"))]
        result["codes"] = [code, server.stop()]
    return result


def export(path):
    with Chromium() as chromium:
        chromium.view(1280)
        chromium.open("file://" + path)
        result = shown(chromium)
        result["faults"] = chromium.faults()
        result["foreign"] = [url for url in chromium.requests() if not url.startswith(("file:", "data:", "about:"))]
        result["codes"] = []
    return result


if __name__ == "__main__":
    print(json.dumps({"curl": curl, "page": page, "export": export}[sys.argv[1]](*sys.argv[2:])))
