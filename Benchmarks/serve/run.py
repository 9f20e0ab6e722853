"""Runs `evenkeel serve` and its peers in turn under the same load, the server on one processor and the client, wrk, on another, and
prints medians: requests a second, percentiles of their time, memory. The peers get the same weights by `evenkeel export`.

run.py [--model mlp=FILE.safetensors …] [--seconds 4] [--rounds 3] [--connections 1,8,64] [--peers fastapi,mlserver,bentoml,litserve]
A peer's Python is .venv's, or that of the environment variable PYTHON_NAME, as they do not all fit into one environment."""
import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server process on processor 0, until its block ends."""

    def __init__(self, name, model, onnx, folder):
        self.port, self.name = free_port(), name
        python = os.environ.get(f"PYTHON_{name.upper()}", str(ROOT / ".venv/bin/python"))
        port = str(self.port)
        environment = dict(os.environ, MODEL=str(onnx), PORT=port, OMP_NUM_THREADS="1", BENTOML_DO_NOT_TRACK="1",
                           PYTHONPATH=str(HERE / "peers"))
        command = {
            "evenkeel": [str(ROOT / ".build/release/evenkeel"), "serve", f"model={model}", "--port", port, "--workers", "1"],
            "fastapi": [python, "-m", "uvicorn", "fastapi_server:app", "--port", port, "--log-level", "error", "--no-access-log"],
            "litserve": [python, str(HERE / "peers/litserve_server.py")],
            "bentoml": [python, "-m", "bentoml", "serve", "bento_service:Model", "--port", port],
            "mlserver": [python, "-m", "mlserver.cli.main", "start", str(folder)],
        }[name]
        if name == "mlserver":
            settings = {"http_port": self.port, "grpc_port": free_port(), "metrics_port": free_port(), "host": "127.0.0.1",
                        "parallel_workers": 0, "debug": False}
            (folder / "settings.json").write_text(json.dumps(settings))
            model_settings = {"name": "model", "implementation": "mlserver_runtime.OnnxModel"}
            (folder / "model-settings.json").write_text(json.dumps(model_settings))
        start = time.monotonic()
        self.process = subprocess.Popen(["taskset", "-c", "0"] + command, env=environment, cwd=folder, start_new_session=True,
                                        stdout=subprocess.DEVNULL, stderr=open(folder / f"{name}.log", "w"))
        # A connection does: not every peer says that it is ready.
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() - start > 60:
                    raise RuntimeError((folder / f"{name}.log").read_text()[-500:])
                time.sleep(0.001)
        self.start = time.monotonic() - start

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            pass
        # Workers of a server that has ended may go on, on the next one's processor.
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v2/models/model/infer"

    @property
    def memory(self):
        """MB of all its processes."""
        pages = 0
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if os.getpgid(int(entry.name)) == self.process.pid:
                    pages += int((entry / "statm").read_text().split()[1])
            except (OSError, ValueError):
                pass
        return pages * os.sysconf("SC_PAGESIZE") / 1e6


def bodies(shape, folder, seed=1):
    """One row as JSON and as bytes: the file, and the length of the JSON before bytes."""
    import random
    generator = random.Random(seed)
    count = 1
    for extent in shape:
        count *= extent
    values = [float(f"{generator.randrange(256) / 255:.6g}") for _ in range(count)]
    tensor = {"name": "input", "shape": [1] + shape, "datatype": "FP32"}
    wanted = [{"name": "probabilities"}]
    (folder / "json").write_text(json.dumps({"inputs": [dict(tensor, data=values)], "outputs": wanted}))
    header = json.dumps({"inputs": [dict(tensor, parameters={"binary_data_size": 4 * count})],
                         "outputs": [dict(wanted[0], parameters={"binary_data": True})]}).encode()
    (folder / "binary").write_bytes(header + struct.pack(f"<{count}f", *values))
    return {"json": None, "binary": len(header)}


def answer(server, body, header):
    headers = {"Content-Type": "application/json"} if header is None else {
        "Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(header)}
    with urllib.request.urlopen(urllib.request.Request(server.url, body, headers)) as response:
        text = response.read()
        length = response.headers.get("Inference-Header-Content-Length")
    if length:
        return list(struct.unpack(f"<{(len(text) - int(length)) // 4}f", text[int(length):]))
    return json.loads(text)["outputs"][0]["data"]


def load(server, body, header, connections, seconds):
    environment = dict(os.environ, BODY=str(body))
    if header is not None:
        environment["HEADER_LENGTH"] = str(header)
    text = subprocess.run(["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(HERE / "body.lua"),
                           server.url], env=environment, capture_output=True, text=True, check=True).stdout
    line = next(line for line in text.splitlines() if line.startswith("RESULT"))
    requests, micros, errors, *percentiles = map(int, line.split()[1:])
    assert errors == 0, f"{server.name}: {errors} errors"
    return [requests / micros * 1e6] + percentiles


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", action="append", required=True, help="name=FILE.safetensors")
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", default="1,8,64")
    parser.add_argument("--peers", default="fastapi,mlserver,bentoml,litserve")
    given = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("There is no wrk; install the Debian package of that name.")
    names = ["evenkeel"] + [name for name in given.peers.split(",") if name]
    print("| model | server | body | connections | requests/s | p50 µs | p99 µs | p99.9 µs | MB | start ms |\n" + "|---" * 10 + "|")
    for title, model in (pair.split("=", 1) for pair in given.model):
        with tempfile.TemporaryDirectory() as folder:
            measure(title, pathlib.Path(model).resolve(), names, given, pathlib.Path(folder))


def measure(title, model, names, given, folder):
    onnx = folder / "model.onnx"
    subprocess.run([ROOT / ".build/release/evenkeel", "export", model, "--output", onnx], check=True)
    with Server("evenkeel", model, onnx, folder) as server:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/v2/models/model") as response:
            shape = json.load(response)["inputs"][0]["shape"][1:]
        kinds = bodies(shape, folder)
        expected = answer(server, (folder / "json").read_bytes(), None)
    results = {}
    for _ in range(given.rounds):
        for name in list(names):
            try:
                with Server(name, model, onnx, folder) as server:
                    for kind, header in kinds.items():
                        if kind == "binary" and name != "evenkeel":
                            continue
                        body = folder / kind
                        got = answer(server, body.read_bytes(), header)
                        assert max(abs(a - b) for a, b in zip(expected, got)) < 1e-4, f"{name}: another answer"
                        for connections in map(int, given.connections.split(",")):
                            load(server, body, header, connections, 1)
                            values = load(server, body, header, connections, given.seconds)
                            values += [server.memory, server.start * 1000]
                            results.setdefault((name, kind, connections), []).append(values)
            except (RuntimeError, OSError, AssertionError) as error:
                print(f"{name} is left out: {error}", file=sys.stderr)
                names.remove(name)
    for (name, kind, connections), rounds in results.items():
        cells = " | ".join(f"{statistics.median(column):,.0f}" for column in zip(*rounds))
        print(f"| {title} | {name} | {kind} | {connections} | {cells} |", flush=True)


main()
