"""Measures test error over batch size for batch, ghost, renormalized, layer and group norm, and writes
Documentation/SmallBatches.md and .svg.

    swift build -c release --product evenkeel
    EVENKEEL_DATA=folder python3 Benchmarks/batch_size_curve.py [RESULTS.json]     (folder/cifar10; numpy)

Every run sees as many examples as the others and its learning rate grows with the batch. Runs that RESULTS.json holds
already are not made again, so that the whole can be made in pieces.
"""
import glob
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

root = pathlib.Path(__file__).resolve().parent.parent
program = root / ".build/release/evenkeel"
SIZES = [2, 4, 8, 16, 32, 64, 128, 256]
SEEDS = [1, 2, 3, 4, 5]
EXAMPLES, TESTS, EPOCHS = 4000, 2000, 4
RATE = 0.1 / 128  # an example of the batch
GHOST = 8
# The option of --normalization, the name in the figure and its color (Okabe and Ito, told apart by the color-blind).
KINDS = [("batch", "batch norm", "#0072b2"), (f"ghost:{GHOST}", f"ghost batches of {GHOST}", "#56b4e9"),
         ("renorm", "batch renormalization", "#cc79a7"), ("group", "group norm", "#d55e00"),
         ("group:1", "group norm, one group", "#e69f00"), ("layer", "layer norm", "#009e73")]
NETWORK = """input: [32, 32, 3]
layers:
""" + "".join(f"""  - convolution: {{filters: {filters}, kernel: 3, stride: 2}}
  - batchNorm
  - relu
""" for filters in (16, 32, 64)) + """  - globalAveragePool
  - dense: 10
"""


def applies(kind, size):
    """Ghost batches that are the whole batch are batch norm."""
    return not kind.startswith("ghost") or size > GHOST


def shortened(source, target):
    """The first examples of each part, in CIFAR-10's own format."""
    for part, count in (("data_batch_1.bin", EXAMPLES), ("test_batch.bin", TESTS)):
        path = glob.glob(f"{source}/{part}*")[0]
        with (gzip.open if path.endswith(".gz") else open)(path) as file:
            pathlib.Path(target, part).write_bytes(file.read(3073 * count))


def measure(kind, size, seed, data, network):
    words = [program, "train", data, "--network", network, "--normalization", kind, "--batch-size", str(size),
             "--optimizer", "momentum", "--learning-rate", repr(RATE * size), "--schedule", "cosine",
             "--epochs", str(EPOCHS), "--seed", str(seed), "--threads", "1", "--json", "--quiet"]
    result = subprocess.run(words, capture_output=True, text=True)
    if result.returncode == 65 and "diverged" in result.stderr:
        return None
    if result.returncode:
        sys.exit(result.stderr)
    return 100 * (1 - json.loads(result.stdout.splitlines()[-1])["testAccuracy"])


def row(results, kind, size):
    """Errors of all seeds, a run that diverged counted as a guess."""
    values = [results[f"{kind} {size} {seed}"] for seed in SEEDS]
    return [90.0 if value is None else value for value in values]


def figure(results):
    width, height, left, right, top, bottom = 760, 420, 62, 190, 24, 52
    means = {k: {s: np.mean(row(results, k, s)) for s in SIZES if applies(k, s)} for k, _, _ in KINDS}
    every = [row(results, k, s) for k, _, _ in KINDS for s in SIZES if applies(k, s)]
    low, high = 5 * np.floor(np.min(every) / 5), 5 * np.ceil(np.max(every) / 5)
    def x(size): return left + (width - left - right) * SIZES.index(size) / (len(SIZES) - 1)
    def y(error): return top + (height - top - bottom) * (high - error) / (high - low)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">',
           "<title>Test error over batch size for six norms</title>",
           f'<rect width="{width}" height="{height}" fill="white"/>']
    for error in np.arange(low, high + 1, 5):
        out.append(f'<path d="M{left} {y(error):.1f}H{width - right}" stroke="#ddd"/>'
                   f'<text x="{left - 8}" y="{y(error) + 4:.1f}" text-anchor="end">{error:.0f} %</text>')
    for size in SIZES:
        out.append(f'<text x="{x(size):.1f}" y="{height - bottom + 20}" text-anchor="middle">{size}</text>')
    out.append(f'<text x="{(left + width - right) / 2}" y="{height - 10}" text-anchor="middle">examples in a batch</text>')
    out.append(f'<text x="16" y="{(top + height - bottom) / 2}" text-anchor="middle" '
               f'transform="rotate(-90 16 {(top + height - bottom) / 2})">test error</text>')
    # Names stand beside the ends of their lines, moved apart where these meet.
    places = sorted((y(means[k][SIZES[-1]]), k) for k, _, _ in KINDS)
    for index in range(1, len(places)):
        places[index] = (max(places[index][0], places[index - 1][0] + 16), places[index][1])
    for kind, name, color in KINDS:
        sizes = list(means[kind])
        for size in sizes:
            values = row(results, kind, size)
            out.append(f'<path d="M{x(size):.1f} {y(min(values)):.1f}V{y(max(values)):.1f}" stroke="{color}" opacity=".5"/>'
                       f'<circle cx="{x(size):.1f}" cy="{y(means[kind][size]):.1f}" r="3" fill="{color}"/>')
        line = "L".join(f"{x(s):.1f} {y(means[kind][s]):.1f}" for s in sizes)
        out.append(f'<path d="M{line}" fill="none" stroke="{color}" stroke-width="2"/>')
        place = next(p for p, k in places if k == kind)
        out.append(f'<text x="{width - right + 12}" y="{place + 4:.1f}" fill="{color}">{name}</text>')
    return "\n".join(out + ["</svg>"]) + "\n"


def table(results):
    lines = ["| batch size | " + " | ".join(name for _, name, _ in KINDS) + " |", "|---" * (len(KINDS) + 1) + "|"]
    for size in SIZES:
        cells = []
        for kind, _, _ in KINDS:
            if not applies(kind, size):
                cells.append("")
                continue
            values = row(results, kind, size)
            lost = sum(results[f"{kind} {size} {seed}"] is None for seed in SEEDS)
            cells.append(f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}" + (f" ({lost} diverged)" if lost else ""))
        lines.append(f"| {size} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


store = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "batch_size_curve.json")
results = json.loads(store.read_text()) if store.exists() else {}
with tempfile.TemporaryDirectory() as folder:
    data, network = f"{folder}/cifar10", f"{folder}/net.yaml"
    os.mkdir(data)
    shortened(os.environ["EVENKEEL_DATA"] + "/cifar10", data)
    pathlib.Path(network).write_text(NETWORK)
    for seed in SEEDS:
        for size in SIZES:
            for kind, _, _ in KINDS:
                name = f"{kind} {size} {seed}"
                if name in results or not applies(kind, size):
                    continue
                start = time.monotonic()
                results[name] = measure(kind, size, seed, data, network)
                store.write_text(json.dumps(results, indent=0))
                print(name, results[name], f"{time.monotonic() - start:.1f} s", flush=True)
document = root / "Documentation/SmallBatches.md"
(root / "Documentation/SmallBatches.svg").write_text(figure(results))
begin, end = "<!-- measured -->\n", "<!-- end -->"
text = document.read_text()
head, tail = text.split(begin)[0], text.split(end)[1]
document.write_text(head + begin + table(results) + end + tail)
