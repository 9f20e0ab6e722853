"""Runs of whole processes, from the files to a stored model."""
import os
import statistics
import subprocess
import sys
import tempfile
import time

from cases import here, peer
from workers import cell, digits

evenkeel = os.path.join(here, "../.build/release/evenkeel")


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
            "PyTorch": peer("pytorch_mnist.py", folder, output + "/b"),
            "JAX": peer("jax_mnist.py", folder, output + "/c"),
        }, rounds)
    starts = [whole([evenkeel, "--version"])[0] * 1e3 for _ in range(20)]
    print(f"starting the program (evenkeel --version): {cell(starts)} ms")


def cifar(folder, rounds, epochs):
    with tempfile.TemporaryDirectory() as output:
        runs(f"CIFAR-10, resnet20, crops and flips, batch 128, {epochs} epochs, seeds 1 to {rounds}", {
            "Evenkeel": [evenkeel, "train", folder, "--network", "resnet20", "--augment", "crop,flip", "--optimizer",
                         "momentum", "--learning-rate", "0.1", "--weight-decay", "1e-4", "--schedule", "cosine",
                         "--epochs", str(epochs), "--seed", "SEED", "--output", output + "/a.safetensors"],
            "PyTorch": peer("pytorch_cifar.py", folder, output + "/b", str(epochs), "SEED"),
        }, rounds)


