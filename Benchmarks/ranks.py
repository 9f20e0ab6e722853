"""Steps of ResNet-20 on two processor cores: in one process, and in two that exchange."""
import re
import shutil
import subprocess
import sys
import tempfile

from cases import peer
from whole import evenkeel
from workers import cell

EXAMPLES, BATCH = 10_000, 128  # the training data is CIFAR-10's first batch
WARM = 5  # steps of compilation and first touches, which are not timed
MPIRUN = ["mpirun", "-np", "2", "--bind-to", "none", "--oversubscribe", "--allow-run-as-root"]


def output(command, stream="stdout"):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if result.returncode:
        sys.exit(f"{command} failed: {result.stderr[-600:]}")
    return getattr(result, stream)


def ours(threads, folder, start=()):
    """Milliseconds of a step, the mean of an epoch."""
    with tempfile.TemporaryDirectory() as store:
        text = output([*start, evenkeel, "train", folder, "--network", "resnet20", "--batch-size", str(BATCH), "--epochs", "1",
                       "--threads", str(threads), "--output", store + "/a.safetensors"], "stderr")
    return [1e3 * float(re.search(r"epoch 1/1 .* ([0-9.]+) s", text)[1]) * BATCH / EXAMPLES]


def theirs(name, folder):
    text = output(peer(name, folder, str(BATCH), str(EXAMPLES // BATCH)))
    return [1e3 * float(word) for word in text.split()[WARM:]]


def steps(folder, rounds):
    if not shutil.which("mpirun"):
        print("\nThe ranks run is left out: there is no mpirun (openmpi-bin).")
        return
    programs = {
        "Evenkeel, one process, two threads": lambda: ours(2, folder),
        "Evenkeel, two ranks of one thread": lambda: ours(1, folder, MPIRUN),
        "Evenkeel, one process, one thread": lambda: ours(1, folder),
        "PyTorch, two processes (gloo), norms of each process": lambda: theirs("pytorch_ranks.py", folder),
        "JAX, two devices, norms of the whole batch": lambda: theirs("jax_ranks.py", folder),
    }
    times = {name: [] for name in programs}
    for _ in range(rounds):
        for name, run in programs.items():
            times[name] += run()
    print(f"\nresnet20, batch {BATCH}: a step on two cores\n\n| | ms |\n|---|---|")
    for name, values in times.items():
        print(f"| {name} | {cell(values) if len(values) > 1 else f'{values[0]:.1f}'} |", flush=True)
