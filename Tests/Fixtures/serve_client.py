"""Asks a server by tritonclient, in every way that it knows: serve_client.py http://HOST:PORT ROWS.json, which holds rows and what is
expected of them. Prints what is wrong."""
import json
import sys
import urllib.request

import numpy
import tritonclient.http as http
from prometheus_client.parser import text_string_to_metric_families
from tritonclient.utils import InferenceServerException

address, path = sys.argv[1:]
rows, expected = (numpy.array(part, numpy.float32) for part in json.load(open(path)))
client = http.InferenceServerClient(address.removeprefix("http://"), concurrency=8)

assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("first")
assert client.is_model_ready("first", "1") and not client.is_model_ready("second")
assert client.get_server_metadata()["name"] == "evenkeel"
metadata = client.get_model_metadata("first")
assert metadata["inputs"] == [{"name": "input", "datatype": "FP32", "shape": [-1, 4]}], metadata
assert client.get_model_config("first")["max_batch_size"] == 64


def ask(binary_in=True, binary_out=True, rows=rows, outputs=("label", "probabilities"), **options):
    given = http.InferInput("input", list(rows.shape), "FP32")
    given.set_data_from_numpy(rows, binary_data=binary_in)
    wanted = [http.InferRequestedOutput(name, binary_data=binary_out) for name in outputs]
    return client.infer("first", [given], outputs=wanted or None, **options)


def check(result):
    shares = result.as_numpy("probabilities")
    assert shares.dtype == numpy.float32 and (shares == expected).all(), numpy.abs(shares - expected).max()
    texts = [text.decode() if isinstance(text, bytes) else text for text in result.as_numpy("label")]
    assert texts == [["no", "yes"][k] for k in expected.argmax(1)]


for binary_in in (True, False):
    for binary_out in (True, False):
        for request in (None, "gzip", "deflate"):
            for response in (None, "gzip", "deflate"):
                check(ask(binary_in, binary_out, request_compression_algorithm=request, response_compression_algorithm=response))
check(ask(outputs=()))
assert ask(request_id="17").get_response()["id"] == "17"

given = http.InferInput("input", list(rows.shape), "FP32")
given.set_data_from_numpy(rows)
for waiting in [client.async_infer("first", [given]) for _ in range(64)]:
    check(waiting.get_result())

top = client.infer("first", [given], outputs=[http.InferRequestedOutput("probabilities", class_count=1)])
for text, row in zip(top.as_numpy("probabilities")[:, 0], expected):
    value, place, name = text.decode().split(":")
    assert int(place) == row.argmax() and numpy.float32(value) == row.max() and name == ["no", "yes"][int(place)]

for broken, sentence in [
    (lambda: ask(rows=rows[:, :3]), "shape"),
    (lambda: client.infer("second", [given]), 'no model "second"'),
    (lambda: client.infer("first", [given], model_version="9"), "no version 9"),
    (lambda: ask(outputs=["nothing"]), 'no output "nothing"'),
]:
    try:
        broken()
        sys.exit(f"no error: {sentence}")
    except InferenceServerException as error:
        assert sentence in str(error), error

statistics = client.get_inference_statistics("first")["model_stats"][0]
assert statistics["inference_stats"]["success"]["count"] == 36 + 1 + 1 + 64 + 1, statistics
text = urllib.request.urlopen(address + "/metrics").read().decode()
families = {family.name: family for family in text_string_to_metric_families(text)}
samples = families["evenkeel_request_success"].samples
assert [(sample.labels["model"], sample.value) for sample in samples] == [("first", 103)], samples
assert families["evenkeel_norm_input_shift"].samples[0].labels["layer"] == "1"
