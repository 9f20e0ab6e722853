"""Steps in company: each on one processor alone, on all alone, beside one busy process, and beside one a processor; PyTorch likewise.
What counts is the mean, as a step that is held up once in ten is slow once in ten."""
import os
import statistics
import subprocess
import sys
import time

from cases import IMAGE_NETS, NETS, PROGRAMS
from workers import Process, digits

STEPS = [(title, f"step {words} batch float32") for title, words in NETS] + [
    (title, f"images {words} batch float32") for title, words in IMAGE_NETS[:1]]
NAMES = ("Evenkeel", "PyTorch")


def busy(count):
    return [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]


def means(processes, requests, beside):
    """The mean time of every request by each process, beside as many busy ones."""
    others = busy(beside)
    time.sleep(0.1)
    try:
        return {(name, request): statistics.fmean(process.ask(request)["times"])
                for request in requests for name, process in processes.items()}
    finally:
        for other in others:
            other.kill()
            other.wait()


def measure():
    processors = sorted(os.sched_getaffinity(0))
    requests = [request for _, request in STEPS]
    one = {name: Process(["taskset", "-c", str(processors[0]), *PROGRAMS[name]]) for name in NAMES}
    all_of_them = {name: Process(PROGRAMS[name]) for name in NAMES}
    kinds = [means(one, requests, 0)] + [means(all_of_them, requests, beside) for beside in (0, 1, len(processors))]
    for process in [*one.values(), *all_of_them.values()]:
        process.end()
    print("\nSteps in company: milliseconds, means\n")
    print("| case | " + " | ".join(f"{name}, {where}" for name in NAMES for where in
                                  ("one processor", "all", "beside one busy process", "beside one a processor")) +
          " | beside one / one alone | beside one a processor / one alone | PyTorch / ours beside one |\n" + "|---" * 12 + "|")
    lines = []
    for title, request in STEPS:
        ours, theirs = ([kind[name, request] for kind in kinds] for name in NAMES)
        print(f"| {title} | " + " | ".join(digits(value) for value in ours + theirs) +
              f" | {ours[2] / ours[0]:.2f} | {ours[3] / ours[0]:.2f} | {theirs[2] / ours[2]:.2f} |", flush=True)
        for what, value, most in (("one busy process", ours[2] / ours[0], 1.3), ("one a processor", ours[3] / ours[0], 1.8)):
            lines.append(f"| {title}, beside {what}: over one processor alone | {value:.2f} | ≤ {most} | {'yes' if value <= most else 'no'} |")
        lines.append(f"| {title}, beside one busy process: PyTorch / ours | {theirs[2] / ours[2]:.2f} | ≥ 1 | "
                     f"{'yes' if theirs[2] >= ours[2] else 'no'} |")
    print("\n| target | measured | wanted | reached |\n|---|---|---|---|\n" + "\n".join(lines))
