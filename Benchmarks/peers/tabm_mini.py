"""A TabM-mini (piecewise-linear embeddings, members that share two hidden layers) in Evenkeel and, by the `tabm` package, in PyTorch:
from the same stored weights both must give the same losses over ten steps; then the time of a step of each, in turn.

Usage: tabm_mini.py EVENKEEL (the program)
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import common
import numpy as np
import rtdl_num_embeddings
import tabm
import torch
from safetensors.torch import load_file

program = sys.argv[1]
FEATURES, CLASSES, MEMBERS, UNITS, BINS, WIDTH = 8, 3, 16, 256, 48, 16
ROWS, BATCH, STEPS, ROUNDS = 4096, 256, 10, 5
NETWORK = f"""
input: [{FEATURES}]
layers:
  - piecewiseLinear: {{bins: {BINS}, width: {WIDTH}}}
  - ensemble: {MEMBERS}
  - dense: {UNITS}
  - relu
  - dense: {UNITS}
  - relu
  - memberDense: {CLASSES}
"""
torch.set_num_threads(len(os.sched_getaffinity(0)))


def train(folder, *options):
    """The lines of a training of the table, each an epoch."""
    lines = subprocess.run(
        [program, "train", f"{folder}/table.csv", "--target", "y", "--test", f"{folder}/few.csv", "--validation", "0",
         "--network", f"{folder}/network.yaml", "--numeric", "standard", "--schedule", "constant", "--seed", "1",
         "--json", *options],
        check=True, capture_output=True, text=True).stdout.splitlines()
    return [line for line in map(json.loads, lines) if line["event"] == "epoch"]


def write_table(folder):
    """Random numbers, and classes that follow from two of them; gives both."""
    x = (common.numbers(0, ROWS * FEATURES).reshape(ROWS, FEATURES) * 2 - 1).round(4)
    labels = (np.abs(x[:, 0] * x[:, 1]) * 6).astype(np.int64).clip(0, CLASSES - 1)
    header = ",".join(f"x{i}" for i in range(FEATURES)) + ",y\n"
    lines = [",".join(f"{v:.4f}" for v in row) + f",c{label}\n" for row, label in zip(x, labels)]
    for name, count in (("table", ROWS), ("few", 64)):
        with open(f"{folder}/{name}.csv", "w") as file:
            file.write(header + "".join(lines[:count]))
    with open(f"{folder}/network.yaml", "w") as file:
        file.write(NETWORK)
    x = np.round(x.astype(np.float64), 4)
    return torch.from_numpy(((x - x.mean(0)) / x.std(0)).astype(np.float32)), torch.from_numpy(labels)


def model_of(weights):
    """The module with the weights and edges that Evenkeel stored."""
    bins = [torch.unique(edges) for edges in weights["0.edges"]]
    assert all(len(edges) == BINS + 1 for edges in bins)
    model = tabm.TabM.make(
        n_num_features=FEATURES, d_out=CLASSES, n_blocks=2, d_block=UNITS, dropout=0.0, k=MEMBERS,
        arch_type="tabm-mini",
        num_embeddings=rtdl_num_embeddings.PiecewiseLinearEmbeddings(bins, WIDTH, activation=False, version="B"))
    adapter, = (p for name, p in model.named_parameters() if "backbone" in name and p.shape == weights["1.weight"].shape)
    first, second = (m for m in model.backbone.modules() if isinstance(m, torch.nn.Linear))
    embedding = model.num_module
    with torch.no_grad():
        for parameter, name in (
                (embedding.linear.weight, "0.weight"), (embedding.linear0.weight, "0.slope"),
                (embedding.linear0.bias, "0.bias"), (adapter, "1.weight"), (first.weight, "2.weight"),
                (first.bias, "2.bias"), (second.weight, "4.weight"), (second.bias, "4.bias"),
                (model.output.bias, "6.bias")):
            parameter.copy_(weights[name])
        model.output.weight.copy_(weights["6.weight"].transpose(1, 2))
    return model


def step(model, optimizer, x, labels):
    optimizer.zero_grad(set_to_none=True)
    loss = torch.nn.functional.cross_entropy(model(x).flatten(0, 1), labels.repeat_interleave(MEMBERS))
    loss.backward()
    optimizer.step()
    return loss


with tempfile.TemporaryDirectory() as folder:
    x, labels = write_table(folder)
    whole = ("--batch-size", str(ROWS), "--optimizer", "sgd", "--epochs")
    train(folder, *whole, "1", "--learning-rate", "1e-30", "--output", f"{folder}/start.safetensors")
    weights = load_file(f"{folder}/start.safetensors")
    ours = [line["trainLoss"] for line in train(folder, *whole, str(STEPS), "--learning-rate", "0.1")]
    model = model_of(weights)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for index, loss in enumerate(ours):
        theirs = step(model, optimizer, x, labels).item()
        if abs(loss - theirs) > 1e-5 * max(1, theirs):
            sys.exit(f"step {index + 1}: Evenkeel's loss is {loss}, PyTorch's {theirs}: not the same work.")
    print(f"losses of {STEPS} steps agree: {ours[0]:.6f} ... {ours[-1]:.6f}")

    model = model_of(weights)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    times = {"Evenkeel": [], "PyTorch": []}
    for _ in range(ROUNDS):
        # The first epoch touches new memory.
        lines = train(folder, "--batch-size", str(BATCH), "--optimizer", "adamw", "--learning-rate", "1e-3", "--epochs", "3")
        times["Evenkeel"] += [1e3 * line["seconds"] / (ROWS // BATCH) for line in lines[1:]]
        for index in range(3):
            start = time.perf_counter()
            for first in range(0, ROWS, BATCH):
                step(model, optimizer, x[first:first + BATCH], labels[first:first + BATCH]).item()
            if index:
                times["PyTorch"].append(1e3 * (time.perf_counter() - start) / (ROWS // BATCH))
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(", ".join(f"{name} {value:.2f} ms" for name, value in medians.items()) + f" a step of {BATCH} rows, "
          f"{MEMBERS} members; PyTorch takes {medians['PyTorch'] / medians['Evenkeel']:.2f} times as long")
