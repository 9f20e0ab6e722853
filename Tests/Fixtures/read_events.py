"""Reads the event files below a folder with TensorBoard itself and prints what it finds as JSON; tests run it.

    read_events.py series FOLDER          scalars, histograms, texts and tags of every run
    read_events.py damage FILE            what reading FILE says once one byte of it has changed, for a byte of each record's part
    read_events.py server FOLDER true 3   what the page's server answers of 3 runs, with its fast loader (true) or without (false)
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request


def series(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    runs = {}
    for place, _, files in os.walk(folder):
        if not any("tfevents" in name for name in files):
            continue
        run = EventAccumulator(place, size_guidance={
            "scalars": 0, "histograms": 0, "tensors": 0, "images": 0, "compressedHistograms": 1})
        run.Reload()
        tags = run.Tags()
        runs[os.path.relpath(place, folder)] = {
            "scalars": {tag: [[event.step, event.value] for event in run.Scalars(tag)] for tag in tags["scalars"]},
            "histograms": {tag: [[event.step, event.histogram_value.num, event.histogram_value.min,
                                  event.histogram_value.max, sum(event.histogram_value.bucket)]
                                 for event in run.Histograms(tag)] for tag in tags["histograms"]},
            "texts": {tag: run.Tensors(tag)[0].tensor_proto.string_val[0].decode() for tag in tags["tensors"]
                      if run.SummaryMetadata(tag).plugin_data.plugin_name == "text"},
        }
    return runs


def damage(path):
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
    whole = open(path, "rb").read()
    found = {}
    for name, place in [("none", None), ("length", 0), ("data", 20), ("checksum", len(whole) - 1)]:
        content = bytearray(whole)
        if place is not None:
            content[place] ^= 0x10
        with tempfile.TemporaryDirectory() as folder:
            copy = os.path.join(folder, "events.out.tfevents.1")
            with open(copy, "wb") as file:
                file.write(content)
            try:
                found[name] = str(len(list(RawEventFileLoader(copy, True).Load())))
            except Exception as error:
                found[name] = type(error).__name__
    return found


def server(folder, fast, count):
    process = subprocess.Popen(
        [sys.executable, "-m", "tensorboard.main", "--logdir", folder, "--port", "0", "--load_fast", fast, "--host",
         "127.0.0.1", "--reload_interval", "1"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        address = None
        for line in process.stderr:
            if found := re.search(r"http://127\.0\.0\.1:\d+/", line):
                address = found.group(0)
                break

        def ask(path, body=None):
            data = None if body is None else json.dumps(body).encode()
            request = urllib.request.Request(address + "data/" + path, data, {"Content-Type": "application/json"})
            try:
                with urllib.request.urlopen(request) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError:
                return {"sessionGroups": [], "metricInfos": []}  # There are no rows yet.

        def rows():
            return ask("plugin/hparams/session_groups", {
                "experimentName": "", "allowedStatuses": ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE",
                                                          "STATUS_RUNNING"],
                "colParams": [{"metric": metric["name"]} for metric in columns()["metricInfos"]],
                "startIndex": 0, "sliceSize": 100})

        def columns():
            return ask("plugin/hparams/experiment", {"experimentName": ""})

        # The files are read after the start.
        for _ in range(300):
            tags = ask("plugin/scalars/tags")
            if len(tags) >= int(count) and rows()["sessionGroups"]:
                break
            time.sleep(0.2)
        time.sleep(1)
        tags = ask("plugin/scalars/tags")
        query = "plugin/scalars/scalars?tag=loss&run="
        return {
            "tags": {run: sorted(names) for run, names in tags.items()},
            "loss": {run: [[step, value] for _, step, value in ask(query + run)]
                     for run, names in tags.items() if "loss" in names},
            "histograms": {run: sorted(names) for run, names in ask("plugin/histograms/tags").items()},
            "texts": {run: sorted(names) for run, names in ask("plugin/text/tags").items()},
            "rows": [{"settings": group["hparams"], "status": group["sessions"][0]["status"],
                      "metrics": {value["name"].get("group", "") + "/" + value["name"]["tag"]: value["value"]
                                  for value in group.get("metricValues", [])}}
                     for group in rows()["sessionGroups"]],
        }
    finally:
        process.kill()
        process.wait()


print(json.dumps({"series": series, "damage": damage, "server": server}[sys.argv[1]](*sys.argv[2:])))
