"""Runs the programs in turn. Each is one process that is asked for blocks of timings, round after round, so that whatever
else the machine does hits all alike."""
import json
import statistics
import subprocess
import sys
import time

from cases import PROGRAMS, takes_part


def digits(value):
    return f"{value:.4f}" if value < 0.1 else f"{value:.3f}" if value < 10 else f"{value:.1f}"


def cell(times):
    """The median ± half the distance between the quartiles."""
    quartiles = statistics.quantiles(times, n=4)
    return f"{digits(statistics.median(times))} ± {digits((quartiles[2] - quartiles[0]) / 2)}"


def percentile99(times):
    return statistics.quantiles(times, n=100)[98]


def require_same(request, name, ours, theirs):
    """Losses, sums of gradients and logits agree to what float rounding of other orders of summing gives. Of a training in
    bfloat16 the first loss: PyTorch rounds what lies between layers too, and the difference grows from step to step."""
    tolerance, count = (5e-2, 1) if request.endswith("bfloat16") else (1e-3, None)
    for a, b in zip(ours[:count], theirs[:count], strict=True):
        if abs(a - b) > tolerance * max(abs(a), abs(b), 1e-3):
            sys.exit(f"{request}: Evenkeel computes {a}, {name} {b}: not the same work.")


class Process:
    """A program that answers a line for every request."""
    def __init__(self, command):
        self.command = command
        self.running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, request):
        self.running.stdin.write(request + "\n")
        self.running.stdin.flush()
        line = self.running.stdout.readline()
        if not line:
            sys.exit(f"{self.command} ended at: {request}")
        return json.loads(line)

    def end(self):
        self.running.stdin.close()
        self.running.wait()


class Workers:
    def __init__(self):
        self.running = {name: Process(command) for name, command in PROGRAMS.items()}

    def ask(self, name, request):
        time.sleep(0.3)  # until the threads of the program before have stopped spinning
        return self.running[name].ask(request)

    def peak(self):
        """Floating-point operations a millisecond of an FMA loop on all threads, just now."""
        answer = self.ask("Evenkeel", "peak")
        return answer["operations"] / statistics.median(answer["times"])

    def measure(self, requests, rounds):
        """All times of each request by each program that takes part, and what Evenkeel said of it beside them; a request that it
        refuses is left out."""
        times, notes = {request: {} for request in requests}, {}
        for _ in range(rounds):
            for request in requests:
                checks = {}
                for name in PROGRAMS:
                    if not takes_part(name, request):
                        continue
                    answer = self.ask(name, request)
                    if name == "Evenkeel":
                        notes[request] = answer
                    if "refused" in answer:
                        break
                    times[request].setdefault(name, []).extend(answer["times"])
                    if answer["check"]:
                        checks[name] = answer["check"]
                for name in list(checks)[1:]:
                    require_same(request, name, checks["Evenkeel"], checks[name])
        return times, notes

    def end(self):
        for worker in self.running.values():
            worker.end()
