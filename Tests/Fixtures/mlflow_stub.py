"""A server that answers as MLflow's tracking server does, and keeps what it was told.

    mlflow_stub.py FOLDER

Writes its port to FOLDER/port, and what it holds to FOLDER/state.json after each call. FOLDER/refuse, if it is there,
has every call refused with what it holds. Ends by itself after an hour.
"""
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

folder = sys.argv[1]
state = {"experiments": {}, "runs": {}, "calls": [], "sizes": []}
lock = threading.Lock()


class Refused(Exception):
    pass


def latest(run):
    last = {}
    for metric in run["metrics"]:
        if metric["key"] not in last or metric["step"] >= last[metric["key"]]["step"]:
            last[metric["key"]] = metric
    return list(last.values())


def answer(call, body, query):
    if os.path.exists(folder + "/refuse"):
        raise Refused(open(folder + "/refuse").read())
    state["calls"].append(call)
    experiments, runs = state["experiments"], state["runs"]
    if call == "experiments/get-by-name":
        name = query["experiment_name"][0]
        if name not in experiments:
            raise Refused(f"Could not find experiment with name '{name}'")
        return {"experiment": {"experiment_id": experiments[name], "name": name}}
    if call == "experiments/create":
        experiments[body["name"]] = str(len(experiments) + 1)
        return {"experiment_id": experiments[body["name"]]}
    if call == "runs/create":
        assert body["experiment_id"] in experiments.values()
        key = f"run{len(runs) + 1}"
        runs[key] = {"status": "RUNNING", "tags": {t["key"]: t["value"] for t in body["tags"]}, "params": {}, "metrics": []}
        return {"run": {"info": {"run_id": key}, "data": {}}}
    if call == "runs/search":
        key, value = body["filter"].removeprefix("tags.`").split("` = ")
        found = [name for name, run in runs.items() if run["tags"].get(key) == value.strip("'")]
        return {"runs": [{"info": {"run_id": found[-1]}, "data": {"metrics": latest(runs[found[-1]])}}]} if found else {}
    run = runs[body["run_id"]]
    if call == "runs/log-batch":
        state["sizes"].append(len(body["metrics"]))
        for pair in body["params"]:
            if run["params"].setdefault(pair["key"], pair["value"]) != pair["value"]:
                raise Refused("Changing param values is not allowed")
        run["metrics"] += body["metrics"]
        return {}
    if call == "runs/update":
        run["status"] = body["status"]
        return {"run_info": {}}
    raise Refused("no such call: " + call)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlparse(self.path)
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size)) if size else None
        with lock:
            try:
                code, result = 200, answer(url.path.removeprefix("/api/2.0/mlflow/"), body, parse_qs(url.query))
            except Refused as error:
                code, result = 400, {"error_code": "INVALID_PARAMETER_VALUE", "message": str(error)}
            write("state.json", json.dumps(state))
        data = json.dumps(result).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_GET

    def log_message(self, *_):
        pass


def write(name, text):
    with open(f"{folder}/{name}.new", "w") as file:
        file.write(text)
    os.replace(f"{folder}/{name}.new", f"{folder}/{name}")


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
write("port", str(server.server_port))
end = threading.Timer(3600, server.shutdown)
end.daemon = True
end.start()
server.serve_forever()
