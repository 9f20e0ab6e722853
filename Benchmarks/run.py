"""Runs Evenkeel and its peers in turn on the same work, checks that they compute the same, and prints the times, the bytes
that the norm's sweeps move, and for every target whether it is reached."""
import argparse
import os
import statistics

import company
import ranks
import whole
from cases import LAYERS, PROGRAMS, groups
from targets import Targets, traffic
from workers import Workers, cell, digits, percentile99


def processor():
    with open("/proc/cpuinfo") as file:
        names = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    return f"{names[0] if names else 'unknown processor'}, {len(os.sched_getaffinity(0))} threads"


def operations(request):
    """Floating-point operations of the products of a step of a fully connected net; None for other requests."""
    kind, *words = request.split()
    if kind != "step":
        return None
    widths, rows = [int(width) for width in words[0].split(",")], int(words[2])
    products = [a * b for a, b in zip(widths, widths[1:])]
    return 2 * rows * (3 * sum(products) - products[0])


def row(title, times, show, share=""):
    """One line of the table; `show` makes a cell of times, and `share` is that of the processor's multiply-adds."""
    ours = statistics.median(times["Evenkeel"])
    peers = [statistics.median(values) for name, values in times.items() if name not in ("Evenkeel", "products")]
    torch = f"{statistics.median(times['PyTorch']) / ours:.2f}" if "PyTorch" in times else ""
    best = f"{min(peers) / ours:.2f}" if peers else ""
    products = f"{ours / statistics.median(times['products']):.2f}" if "products" in times else ""
    cells = " | ".join(show(times[name]) if name in times else "" for name in PROGRAMS)
    print(f"| {title} | {cells} | {torch} | {best} | {products} | {share} |", flush=True)


def measure(rounds, only):
    workers, everything, notes = Workers(), {}, {}
    print("milliseconds, median ± half the distance between the quartiles; `products` are the step's matrix products alone\n")
    print("| case | " + " | ".join(PROGRAMS) + " | PyTorch / ours | best peer / ours | ours / products | "
          "operations / an FMA loop's |")
    print("|---" * (len(PROGRAMS) + 5) + "|")
    for group in groups():
        chosen = [(title, request) for title, request in group if not only or only in request]
        if not chosen:
            continue
        times, noted = workers.measure([request for _, request in chosen], rounds)
        everything |= times
        notes |= noted
        for title, request in chosen:
            if "Evenkeel" not in times[request]:
                print(f"| {title} | {noted[request]['refused']} |" + " |" * (len(PROGRAMS) + 3))
                continue
            count = operations(request)
            median = statistics.median(times[request]["Evenkeel"])
            row(title, times[request], cell, f"{count / median / workers.peak():.2f}" if count else "")
            if title.startswith("predict"):
                row(title + ", 99th percentile", {name: [percentile99(values)] for name, values in times[request].items()},
                    lambda values: digits(values[0]))
    workers.end()
    layers = [(title, f"layer {words}") for title, words in LAYERS if f"layer {words}" in everything]
    if layers:
        print("\nBytes moved by the norm's sweeps, counted, in MB, and the model of two sweeps each way\n")
        print("| norm + ReLU | forward | backward | model, forward | model, backward | ours / model | GB/s |\n" + "|---" * 7 + "|")
        for title, request in layers:
            print(traffic(title, notes[request], everything[request]["Evenkeel"]))
    print("\n| target | measured | wanted | reached |\n|---|---|---|---|")
    for line in Targets(everything).check():
        print("| " + " | ".join(line) + " |", flush=True)


parser = argparse.ArgumentParser()
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--only", help="company, mnist, cifar, lab, ranks, or the cases whose request holds this text, such as 'step 784'")
parser.add_argument("--epochs", type=int, default=1, help="of the CIFAR-10 run")
options = parser.parse_args()
print(processor() + "\n")
data = os.environ.get("EVENKEEL_DATA", "")
if options.only not in ("company", "mnist", "cifar", "lab", "ranks"):
    measure(options.rounds, options.only)
if options.only in (None, "company"):
    company.measure()
for name, body in (
        ("mnist", lambda: whole.mnist(data + "/mnist", options.rounds)),
        ("cifar", lambda: whole.cifar(data + "/cifar10", options.rounds if options.only else 1, options.epochs)),
        ("lab", lambda: whole.laboratory(data + "/mnist", options.rounds)),
        ("ranks", lambda: ranks.steps(data + "/cifar10", options.rounds))):
    if options.only in (None, name):
        if os.path.isdir(data + ("/cifar10" if name in ("cifar", "ranks") else "/mnist")):
            body()
        else:
            print(f"\nThe {name} run is left out: set EVENKEEL_DATA to a folder that holds its data.")
