"""Trains models with the command, exports them, and runs the graphs in ONNX Runtime beside the command's own predictions."""
import csv
import dataclasses
import gzip
import os
import subprocess

import numpy as np
import onnx
import onnx.reference
import onnxruntime as ort
import pandas as pd

OPSETS = [17, 18, 21, 23]
BATCHES = [0, 1, 3, 64]
# Of the largest output.
TOLERANCE = 1e-5
# Below this the package onnx itself computes the graph too, in Python.
SMALL = 300_000
PRESETS = ["mlp", "lenet", "resnet20", "resnet32", "resnet56", "vgg11"]
TABLES = [
    ("tabular/wine", "class"), ("tabular/breast-cancer", "class"), ("tabular/california-housing", "median_house_value"),
    ("tables/mpg", "hwy"), ("tables/Chile", "vote"), ("tables/msleep", "sleep_total"), ("tables/biopsy", "class"),
    ("tables/tips", "tip"), ("tables/Wages", "lwage"), ("tables/birthwt", "low"), ("tables/SLID", "wages"), ("tables/pbc", "stage"),
]


@dataclasses.dataclass
class Found:
    rows: list = dataclasses.field(default_factory=list)
    failures: list = dataclasses.field(default_factory=list)

    def table(self):
        lines = ["| model | graphs | batches | largest difference | classes | comes back |", "|---|---|---|---|---|---|"]
        return "\n".join(lines + self.rows)


def run(*words):
    result = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr.strip().splitlines()[-1]
    return result.stdout


def check(evenkeel, folder, data):
    found = Found()
    cases = [(preset, lambda preset=preset: images(evenkeel, folder, data, preset)) for preset in PRESETS]
    if data:
        cases += [(f"{path}.csv", lambda path=path, target=target: table(evenkeel, folder, f"{data}/{path}.csv", target))
                  for path, target in TABLES]
    for name, body in cases:
        try:
            count, difference, classes = body()
            found.rows.append(f"| {name} | {count} | {', '.join(map(str, BATCHES))} and all | {difference:.0e} | {classes} | same bytes |")
        except Exception as error:
            found.failures.append(f"{name}: {type(error).__name__}: {error}")
    return found


def real_images(data, preset):
    """Images and labels of MNIST for small networks, of CIFAR-10 for the others; drawn at random where there is no data."""
    is_gray = preset in ["mlp", "lenet"]
    if not data:
        random = np.random.default_rng(1)
        shape = (200, 28, 28, 1) if is_gray else (200, 32, 32, 3)
        return random.integers(0, 256, shape, np.uint8), random.integers(0, 10, 200)
    if is_gray:
        with gzip.open(f"{data}/mnist/t10k-images-idx3-ubyte.gz") as file:
            pixels = np.frombuffer(file.read(), np.uint8, 200 * 784, 16).reshape(-1, 28, 28, 1)
        with gzip.open(f"{data}/mnist/t10k-labels-idx1-ubyte.gz") as file:
            return pixels, np.frombuffer(file.read(), np.uint8, 200, 8).astype(np.int64)
    with gzip.open(f"{data}/cifar10/test_batch.bin.gz") as file:
        rows = np.frombuffer(file.read(), np.uint8).reshape(-1, 3073)[:200]
    return rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1).copy(), rows[:, 0].astype(np.int64)


def images(evenkeel, folder, data, preset):
    x, y = real_images(data, preset)
    np.savez(f"{folder}/images.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    np.save(f"{folder}/images.npy", x)
    model = f"{folder}/images.safetensors"
    run(evenkeel, "train", f"{folder}/images.npz", "--network", preset, "--epochs", 1, "--quiet", "--output", model)
    labels, values = predictions(evenkeel, model, f"{folder}/images.npy")
    count, largest = 0, 0
    for opset in OPSETS:
        for layout in ["nhwc", "nchw"]:
            for folded in [[], ["--folded"]]:
                feed = x.astype(np.float32)
                if layout == "nchw":
                    feed = np.ascontiguousarray(np.moveaxis(feed, -1, 1))
                options = ["--opset", opset, "--layout", layout, *folded]
                largest = max(largest, graph(evenkeel, folder, model, options, {"input": feed}, labels, values))
                count += 1
    return count, largest, "equal"


def table(evenkeel, folder, path, target):
    model = f"{folder}/table.safetensors"
    run(evenkeel, "train", path, "--target", target, "--epochs", 2, "--quiet", "--output", model)
    labels, values = predictions(evenkeel, model, path)
    cells = pd.read_csv(path, dtype=str, encoding_errors="replace")
    # As in the file: pandas gives names to columns that have none.
    cells.columns = [("" if name.startswith("Unnamed: ") else name) or f"column_{place + 1}" for place, name in enumerate(cells.columns)]
    largest = 0
    for opset in OPSETS:
        options = ["--opset", opset, "--outputs", "logits"]
        largest = max(largest, graph(evenkeel, folder, model, options, cells, labels, values))
    return len(OPSETS), largest, "equal" if labels is not None else ""


def predictions(evenkeel, model, data):
    """Classes, if there are some, and probabilities or values."""
    header, *rows = csv.reader(run(evenkeel, "predict", model, data).splitlines())
    if len(header) == 1:
        return None, np.array([[float(cell) for cell in row] for row in rows])
    return [row[0] for row in rows], np.array([[float(cell) for cell in row[1:]] for row in rows])


def column(value, cells):
    """A column of the table as the graph's input takes it."""
    texts = cells[value.name]
    if value.type == "tensor(string)":
        return texts.fillna("").to_numpy(object).reshape(-1, 1)
    numbers = pd.to_numeric(texts, errors="coerce")
    return numbers.to_numpy(np.float32 if value.type == "tensor(float)" else np.float64).reshape(-1, 1)


def graph(evenkeel, folder, model, options, data, labels, values):
    """Exports a graph and runs it; the largest difference from what the command predicts."""
    file, back = f"{folder}/model.onnx", f"{folder}/back.safetensors"
    run(evenkeel, "export", model, "--output", file, *options)
    made = onnx.load(file)
    onnx.checker.check_model(made, full_check=True)
    onnx.shape_inference.infer_shapes(made, strict_mode=True)
    session = ort.InferenceSession(file, providers=["CPUExecutionProvider"])
    if isinstance(data, dict):
        # A network of dense layers takes the values of an image in a row.
        ranks = {value.name: len(value.shape) for value in session.get_inputs()}
        feed = {name: x if x.ndim == ranks[name] else x.reshape(len(x), -1) for name, x in data.items()}
    else:
        feed = {value.name: column(value, data) for value in session.get_inputs()}
    # What training standardized away may be huge: differences are relative to all outputs.
    scale = np.abs(values).max()
    largest = 0
    for rows in [*BATCHES, len(values)]:
        part = {name: x[:rows] for name, x in feed.items()}
        runs = [session.run(None, part)]
        if rows == 3 and os.path.getsize(file) < SMALL:
            runs.append(onnx.reference.ReferenceEvaluator(made).run(None, part))
        for outputs in runs:
            given = dict(zip([output.name for output in session.get_outputs()], outputs))
            found = given["probabilities" if labels is not None else "prediction"]
            assert len(found) == min(rows, len(values)), f"{options}: {len(found)} rows of {rows}"
            if rows == 0:
                continue
            difference = np.abs(found - values[:rows]).max() / scale
            assert difference <= TOLERANCE, f"{options}, {rows} rows: differ by {difference:.1e}"
            largest = max(largest, difference)
            if labels is not None:
                assert [str(label) for label in given["label"]] == labels[:rows], f"{options}, {rows} rows: classes differ"
    if "--folded" not in options:
        run(evenkeel, "import", file, "--output", back)
        run(evenkeel, "export", back, "--output", f"{folder}/again.onnx", *options)
        with open(file, "rb") as one, open(f"{folder}/again.onnx", "rb") as other:
            assert one.read() == other.read(), f"{options}: comes back as other bytes"
    return largest
