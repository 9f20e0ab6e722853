"""Headless Chromium by its remote-debugging pipe (Chrome DevTools Protocol): pages that are open while other things happen."""
import base64
import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

PROGRAMS = ["chromium", "chromium-browser", "google-chrome"]


def program():
    return next((path for path in map(shutil.which, PROGRAMS) if path), None)


class Chromium:
    """One page. Leaves nothing behind when the `with` ends."""

    def __enter__(self):
        self.profile = tempfile.mkdtemp(prefix="evenkeel-chromium-")
        # The pipe's ends are descriptors 3 and 4 in Chromium, where none of these lies.
        ends = [*os.pipe(), *os.pipe()]
        commands, self.write, self.read, events = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
        for end in ends:
            os.close(end)
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe",
                 "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", f"--user-data-dir={self.profile}"]
        shell = f'exec "$0" "$@" 3<&{commands} 4>&{events}'
        self.process = subprocess.Popen(
            ["bash", "-c", shell, program(), *flags], pass_fds=(commands, events), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(commands)
        os.close(events)
        self.buffer, self.events, self.numbers, self.session = b"", [], itertools.count(1), None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.call(domain + ".enable")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.write)
        os.close(self.read)
        shutil.rmtree(self.profile, ignore_errors=True)

    def message(self, seconds):
        """The next message; None if there is none for so long."""
        while b"\0" not in self.buffer:
            if not select.select([self.read], [], [], seconds)[0]:
                return None
            part = os.read(self.read, 1 << 16)
            if not part:
                raise EOFError("Chromium has ended")
            self.buffer += part
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **parameters):
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.write, data):]
        while True:
            answer = self.message(120)
            if answer is None:
                raise TimeoutError(method)
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def view(self, width, height=900, dark=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.until("document.readyState == 'complete'")

    def value(self, expression):
        """What JavaScript in the page gives; promises are waited for."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(json.dumps(result["exceptionDetails"])[:2000])
        return result["result"].get("value")

    def until(self, expression, seconds=120):
        end = time.monotonic() + seconds
        while not self.value(expression):
            if time.monotonic() > end:
                raise TimeoutError(expression)
            time.sleep(0.05)

    def picture(self, path, whole=True):
        data = self.call("Page.captureScreenshot", captureBeyondViewport=whole, **({"clip": self.whole()} if whole else {}))
        with open(path, "wb") as file:
            file.write(base64.b64decode(data["data"]))

    def whole(self):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}

    def faults(self):
        """What went wrong in the page so far: its console's errors and warnings, exceptions."""
        while (message := self.message(0.05)) is not None:
            self.events.append(message)
        faults = []
        for event in self.events:
            kind, content = event.get("method"), event.get("params", {})
            if kind == "Runtime.exceptionThrown":
                faults.append(json.dumps(content["exceptionDetails"])[:500])
            elif kind == "Runtime.consoleAPICalled" and content["type"] in ("error", "warning", "assert"):
                faults.append(json.dumps(content["args"])[:500])
            elif kind == "Log.entryAdded" and content["entry"]["level"] in ("error", "warning"):
                faults.append(content["entry"]["text"] + " " + content["entry"].get("url", ""))
        return faults

    def requests(self):
        return [event["params"]["request"]["url"] for event in self.events
                if event.get("method") == "Network.requestWillBeSent"]
