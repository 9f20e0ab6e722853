"""Runs ONNX files in ONNX Runtime and compares what they give with what Evenkeel predicts.

usage: run_onnx.py FOLDER, with cases.json: a list of
  name     what the case is called
  onnx     the model's file
  x        inputs: an NPY file, features last, or {"file": CSV, "missing": [texts]} for columns by name
  layout   nhwc or nchw: how the graph takes x
  output   the name of the output that y is
  y        what Evenkeel predicts, an NPY file
  labels   the classes by their places in y, if it has classes
  threshold  the probability from which on the second of two classes is the label, if there is one
Every file passes the checker; outputs agree for 0, 1, 3 and all rows within 1e-5 of the largest value, labels exactly.
"""
import csv
import datetime
import json
import sys

import numpy as np
import onnx
import onnxruntime as ort

NUMBERS = {"tensor(float)": np.float32, "tensor(double)": np.float64}


def number(cell):
    """A number, or the seconds of a date since the beginning of 1970."""
    try:
        return float(cell or "nan")
    except ValueError:
        return datetime.datetime.fromisoformat(cell + "+00:00" if ":" in cell else cell + " 00:00+00:00").timestamp()


def inputs(session, case, folder):
    if isinstance(case["x"], str):
        x = np.load(f"{folder}/{case['x']}")
        [only] = session.get_inputs()
        # Images without channels go in as they are in either layout.
        is_flat = x.ndim == 3 and x.shape[1] != x.shape[2] and list(x.shape[1:]) == only.shape[1:]
        if case["layout"] == "nchw" and not is_flat:
            x = np.ascontiguousarray(np.moveaxis(x, -1, 1))
        return {only.name: x.astype(NUMBERS[only.type])}
    with open(case["x"]["file"], encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    missing = set(case["x"]["missing"])
    feed = {}
    for place, name in enumerate(header):
        for value in session.get_inputs():
            if value.name == (name or f"column_{place + 1}"):
                cells = ["" if row[place] in missing else row[place] for row in rows]
                if value.type in NUMBERS:
                    cells = np.array([number(cell) for cell in cells], NUMBERS[value.type])
                else:
                    cells = np.array(cells, object)
                feed[value.name] = cells.reshape(-1, 1)
    return feed


def check(case, folder, options):
    model = onnx.load(f"{folder}/{case['onnx']}")
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, strict_mode=True)
    session = ort.InferenceSession(f"{folder}/{case['onnx']}", options, ["CPUExecutionProvider"])
    feed, y = inputs(session, case, folder), np.load(f"{folder}/{case['y']}")
    names = [output.name for output in session.get_outputs()]
    for rows in sorted({0, 1, 3, len(y)}):
        found = dict(zip(names, session.run(None, {name: x[:rows] for name, x in feed.items()})))
        got, expected = found[case["output"]], y[:rows]
        assert got.shape == expected.shape, f"{got.shape}, expected {expected.shape}"
        if not rows:
            continue
        error = np.abs(got - expected).max() / max(1e-30, np.abs(expected).max())
        assert error <= 1e-5, f"{rows} rows differ by {error:.2g} of the largest"
        if case.get("labels"):
            threshold = case.get("threshold")
            places = expected.argmax(1) if threshold is None else (expected[:, 1] >= np.float32(threshold)).astype(int)
            labels = [case["labels"][place] for place in places]
            assert [str(label) for label in found["label"]] == labels, "labels differ"


def main():
    folder = sys.argv[1]
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 2
    failed = 0
    with open(f"{folder}/cases.json", encoding="utf-8") as file:
        cases = json.load(file)
    for case in cases:
        try:
            check(case, folder, options)
        except Exception as error:  # Whatever a client says of a file is the test's result.
            failed += 1
            print(f"{case['name']}: {type(error).__name__}: {error}"[:500])
    print(f"{len(cases) - failed} of {len(cases)} files agree")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
