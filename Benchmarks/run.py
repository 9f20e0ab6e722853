"""Runs Evenkeel, PyTorch and JAX in turn on the same work, checks that they compute the same, and prints one table.

Each program is one process that is asked for blocks of timings, round after round, so that whatever else the machine
does hits all alike. A time is the median over all blocks; the spread is half the distance between the quartiles.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

here = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = {
    "Evenkeel": [os.path.join(here, ".build/release/evenkeel-bench")],
    "PyTorch": [sys.executable, os.path.join(here, "peers/pytorch.py")],
    "compile": [sys.executable, os.path.join(here, "peers/pytorch.py"), "compile"],
    "oneDNN": [os.path.join(here, ".build/release/evenkeel-bench"), "onednn"],
    "JAX": [sys.executable, os.path.join(here, "peers/jax_peer.py")],
}
CASES = [
    ("step 784-100-100-100-10 sigmoid, 60", "step 784,100,100,100,10 sigmoid 60"),
    ("step 784-256-256-10, 128", "step 784,256,256,10 relu 128"),
    ("step 784-512-512-512-10, 256", "step 784,512,512,512,10 relu 256"),
    ("step 1024-1024×4-10, 1024", "step 1024,1024,1024,1024,1024,10 relu 1024"),
    ("step 32-128-128-2, 8192", "step 32,128,128,2 relu 8192"),
    ("norm + ReLU [256, 512]", "layer 256 512"),
    ("norm + ReLU [1024, 1024]", "layer 1024 1024"),
    ("norm + ReLU [8192, 1024]", "layer 8192 1024"),
    ("norm + ReLU [65536, 256]", "layer 65536 256"),
    ("predict one row, 784-256-256-10", "predict 784,256,256,10 relu"),
    ("norm + ReLU [32, 56, 56, 64]", "layer 100352 64 56 56"),
    ("norm + ReLU [128, 28, 28, 64]", "layer 100352 64 28 28"),
    ("norm + ReLU [64, 14, 14, 256]", "layer 12544 256 14 14"),
    ("step lenet, 128", "images lenet batch 128"),
    ("step lenet without norms, 128", "images lenet none 128"),
    ("step resnet20, 128", "images resnet20 batch 128"),
    ("step resnet20 without norms, 128", "images resnet20 none 128"),
    ("predict one image, lenet", "image lenet"),
    ("predict one image, resnet20", "image resnet20"),
]


def takes_part(name, request):
    """JAX has no images here; oneDNN's own primitive is compared with the norm alone."""
    kind, *words = request.split()
    if name == "JAX":
        return kind not in ("images", "image") and len(words) < 4
    return name != "oneDNN" or kind == "layer"


def digits(value):
    return f"{value:.4f}" if value < 0.1 else f"{value:.3f}" if value < 10 else f"{value:.1f}"


def cell(times):
    quartiles = statistics.quantiles(times, n=4)
    return f"{digits(statistics.median(times))} ± {digits((quartiles[2] - quartiles[0]) / 2)}"


def same(request, name, ours, theirs):
    """Losses, sums of gradients and logits agree to what float rounding of other orders of summing gives."""
    for a, b in zip(ours, theirs, strict=True):
        if abs(a - b) > 1e-3 * max(abs(a), abs(b), 1e-3):
            sys.exit(f"{request}: Evenkeel computes {a}, {name} {b}: not the same work.")


def measure(rounds, only):
    workers = {name: subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
               for name, command in PROGRAMS.items()}
    print("milliseconds, median ± half the distance between the quartiles\n")
    print("| case | " + " | ".join(PROGRAMS) + " | PyTorch / ours | best peer / ours |")
    print("|---" * (len(PROGRAMS) + 3) + "|")
    for title, request in CASES:
        if only and only not in request:
            continue
        taking = [name for name in PROGRAMS if takes_part(name, request)]
        times = {name: [] for name in taking}
        for _ in range(rounds):
            checks = {}
            for name in taking:
                worker = workers[name]
                time.sleep(0.3)  # until the threads of the program before have stopped spinning
                worker.stdin.write(request + "\n")
                worker.stdin.flush()
                line = worker.stdout.readline()
                if not line:
                    sys.exit(f"{name} ended at: {request}")
                answer = json.loads(line)
                times[name] += answer["times"]
                checks[name] = answer["check"]
            for name in taking[1:]:
                same(request, name, checks["Evenkeel"], checks[name])
        medians = {name: statistics.median(values) for name, values in times.items()}
        peers = [value for name, value in medians.items() if name != "Evenkeel"]
        print(f"| {title} | " + " | ".join(cell(times[name]) if name in taking else "" for name in PROGRAMS)
              + f" | {medians['PyTorch'] / medians['Evenkeel']:.2f} | {min(peers) / medians['Evenkeel']:.2f} |", flush=True)
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()


def whole(command):
    """Seconds and peak memory in MB of one process, and what it printed."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command} failed.")
    return time.perf_counter() - start, usage.ru_maxrss * 1024 / 1e6, text


def runs(title, commands, rounds):
    """Whole processes in turn; one table."""
    results = {name: [] for name in commands}
    for index in range(rounds):
        for name, command in commands.items():
            results[name].append(whole([word.replace("SEED", str(index + 1)) for word in command]))
    print(f"\n{title}: the whole process, from the files to a stored model\n")
    print("| | seconds | peak memory, MB | printed last |")
    print("|---|---|---|---|")
    for name, done in results.items():
        last = ", ".join(r[2].strip().splitlines()[0].split("accuracy ")[-1].split(" on")[0] for r in done)
        seconds = cell([r[0] for r in done]) if rounds > 1 else digits(done[0][0])
        print(f"| {name} | {seconds} | {max(r[1] for r in done):.0f} | accuracy {last} |")
    ours, torch = (statistics.median(r[0] for r in results[name]) for name in ("Evenkeel", "PyTorch"))
    print(f"\nPyTorch / ours: {torch / ours:.2f} in time, "
          f"{max(r[1] for r in results['PyTorch']) / max(r[1] for r in results['Evenkeel']):.2f} in memory", flush=True)


def mnist(folder, rounds):
    with tempfile.TemporaryDirectory() as output:
        runs("MNIST, 784-256-256-10, Adam, batch 128, 5 epochs", {
            "Evenkeel": [evenkeel, "train", folder, "--hidden", "256,256", "--epochs", "5", "--batch-size", "128",
                         "--seed", "SEED", "--output", output + "/a.safetensors"],
            "PyTorch": [sys.executable, os.path.join(here, "peers/pytorch_mnist.py"), folder, output + "/b"],
            "JAX": [sys.executable, os.path.join(here, "peers/jax_mnist.py"), folder, output + "/c"],
        }, rounds)
    starts = [whole([evenkeel, "--version"])[0] * 1e3 for _ in range(20)]
    print(f"starting the program (evenkeel --version): {cell(starts)} ms")


def cifar(folder, rounds, epochs):
    with tempfile.TemporaryDirectory() as output:
        runs(f"CIFAR-10, resnet20, crops and flips, batch 128, {epochs} epochs, seeds 1 to {rounds}", {
            "Evenkeel": [evenkeel, "train", folder, "--network", "resnet20", "--augment", "crop,flip", "--optimizer",
                         "momentum", "--learning-rate", "0.1", "--weight-decay", "1e-4", "--schedule", "cosine",
                         "--epochs", str(epochs), "--seed", "SEED", "--output", output + "/a.safetensors"],
            "PyTorch": [sys.executable, os.path.join(here, "peers/pytorch_cifar.py"), folder, output + "/b",
                        str(epochs), "SEED"],
        }, rounds)


def processor():
    with open("/proc/cpuinfo") as file:
        names = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    return f"{names[0] if names else 'unknown processor'}, {len(os.sched_getaffinity(0))} threads"


parser = argparse.ArgumentParser()
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--only", help="mnist, cifar, or the cases whose request holds this text, such as 'step 784'")
parser.add_argument("--epochs", type=int, default=1, help="of the CIFAR-10 run")
options = parser.parse_args()
print(processor() + "\n")
evenkeel = os.path.join(here, "../.build/release/evenkeel")
data = os.environ.get("EVENKEEL_DATA", "")
if options.only not in ("mnist", "cifar"):
    measure(options.rounds, options.only)
for name, body in (("mnist", lambda: mnist(data + "/mnist", options.rounds)),
                   ("cifar", lambda: cifar(data + "/cifar10", options.rounds if options.only else 1, options.epochs))):
    if options.only in (None, name):
        if os.path.isdir(data + ("/mnist" if name == "mnist" else "/cifar10")):
            body()
        else:
            print(f"\nThe {name} run is left out: set EVENKEEL_DATA to a folder that holds its data.")
