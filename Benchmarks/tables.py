"""How good `evenkeel train table.csv` is beside its peers, over many tables: all train on the same rows and are
measured alike. Peers' results in the results file are used again; ours are with --resume, if of the same program."""
import argparse
import collections
import json
import multiprocessing
import os
import signal
import statistics
import sys
import time

# Before the packages are loaded, which read these once. Threads wait without spinning, and OpenBLAS, whose threads do
# spin, has one: beside other programs trees of small tables train up to fifty times as fast so, and the MLP six.
os.environ.update(OMP_NUM_THREADS="2", OMP_WAIT_POLICY="passive", OPENBLAS_NUM_THREADS="1")

import tables_data
from tables_peers import PEERS, Failure, Ours, Peer, measure
from tables_report import Summary

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Runs that agree in these give the same measures. Whoever changes how peers are prepared or measured removes the file.
KEY = ("table", "data", "seed", "contestant", "options", "program")
BEGINNING = b'{"table": "'  # of every line of the results file


def identity(contestant, table, seed):
    return dict(zip(KEY, (table.name, table.hash, seed, contestant.name, contestant.options, contestant.program)))


def work(numbered):
    """Returns the job's number with (measures, seconds), or with the text of its failure."""
    number, (table, seed, contestant) = numbered
    try:
        return number, measure(contestant, table, seed), None
    except (Failure, OSError, ValueError) as failure:
        return number, None, " ".join(str(failure).split())


class Results:
    """The results file: JSON lines, one a run, appended as runs end. A last line that was cut off is removed."""

    def __init__(self, path):
        self.path, self.runs = path, {}
        if not os.path.exists(path):
            return
        with open(path, "rb") as file:
            *lines, rest = file.read().split(b"\n")
        for number, text in enumerate(lines, start=1):
            try:
                run = json.loads(text)
                self.runs[tuple(run[name] for name in KEY)] = (run["measures"], run["seconds"])
            except (ValueError, KeyError, TypeError):
                self.refuse(number)
        if not rest.startswith(BEGINNING[:len(rest)]):
            self.refuse(len(lines) + 1)
        if rest:
            os.truncate(path, os.path.getsize(path) - len(rest))

    def refuse(self, number):
        sys.exit(f"{self.path}, line {number}: expected a JSON object with {', '.join(KEY)}, measures and seconds.")

    def of(self, contestant, table, seed):
        return self.runs.get(tuple(identity(contestant, table, seed).values()))

    def append(self, contestant, table, seed, measures, seconds):
        run = identity(contestant, table, seed) | {"measures": measures, "seconds": round(seconds, 3)}
        os.makedirs(os.path.dirname(os.path.abspath(self.path)), exist_ok=True)
        with open(self.path, "a") as file:
            file.write(json.dumps(run) + "\n")


class Progress:
    """A line on standard error, with the time left by what such runs took before: at most every ten seconds where that
    is no terminal."""

    def __init__(self, jobs, workers, known):
        self.left, self.workers, self.total, self.shown = collections.Counter(), workers, len(jobs), -1e9
        self.took = collections.defaultdict(list)
        for table, _, contestant in jobs:
            self.left[table.name, contestant.name] += 1
        for (table, name), runs in known.items():
            self.took[table, name] = [seconds for _, seconds in runs.values()]

    def seconds_left(self):
        means = {pair: statistics.fmean(took) for pair, took in self.took.items() if took}
        other = statistics.fmean(means.values()) if means else 0
        return sum(count * means.get(pair, other) for pair, count in self.left.items()) / self.workers

    def done(self, table, seed, contestant, seconds):
        self.left[table.name, contestant.name] -= 1
        self.took[table.name, contestant.name].append(seconds)
        terminal, count = sys.stderr.isatty(), self.total - self.left.total()
        if time.monotonic() - self.shown < (0.2 if terminal else 10) and count < self.total:
            return
        self.shown = time.monotonic()
        minutes, rest = divmod(round(self.seconds_left()), 60)
        text = f"{count} of {self.total} runs, {minutes}:{rest:02} left; {table.name}, seed {seed}, {contestant.name}"
        end = "\n" if not terminal or count == self.total else ""
        print(f"\r{text:<90}" if terminal else text, end=end, file=sys.stderr, flush=True)


def begin_worker():
    """Interrupts reach the main program alone; it ends workers so that their temporary folders go."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def run(jobs, workers, results, failures, file):
    progress = Progress(jobs, workers, results)
    with multiprocessing.Pool(workers, begin_worker) as pool:
        for number, result, failure in pool.imap_unordered(work, enumerate(jobs)):
            table, seed, contestant = jobs[number]
            if failure is None:
                results[table.name, contestant.name][seed] = result
                file.append(contestant, table, seed, *result)
            else:
                failures[table.name, contestant.name, seed] = failure
            progress.done(table, seed, contestant, result[1] if result else 0)


def contestants(options, parser):
    if not os.access(options.binary, os.X_OK) and not options.peers_only:
        parser.error(f"{options.binary} is no program; make build makes .build/release/evenkeel")
    ours = []
    for text in [] if options.peers_only else options.ours or ["Evenkeel="]:
        name, equals, words = text.partition("=")
        if not name or not equals or name in PEERS or name in [one.name for one in ours]:
            parser.error(f"--ours {text}: expected NAME='options', each name once and none of {', '.join(PEERS)}")
        try:
            ours.append(Ours(name, words, options.binary))
        except ValueError as error:
            parser.error(f"--ours {text}: {error}")
    return ours + [Peer(name) for name in PEERS]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=os.environ.get("EVENKEEL_DATA", ""),
                        help="the folder with tables/ and tabular/; $EVENKEEL_DATA by default")
    parser.add_argument("--tables", help="only these, by name, separated by commas")
    parser.add_argument("--seeds", type=int, default=10, help="splits of each table (default: 10)")
    parser.add_argument("--quick", action="store_true", help="2 seeds: a few minutes")
    parser.add_argument("--ours", action="append", metavar="NAME='OPTIONS'",
                        help="a contestant: train with these options; repeatable; the first is compared with all")
    parser.add_argument("--binary", default=os.path.join(ROOT, ".build/release/evenkeel"))
    parser.add_argument("--peers-only", action="store_true", help="measure only the peers, for later runs")
    parser.add_argument("--jobs", type=int, default=1, help="runs at the same time, each with two threads (default: 1)")
    parser.add_argument("--results", default=os.path.join(ROOT, ".build/bench-tables.jsonl"),
                        help="the results file (default: .build/bench-tables.jsonl)")
    parser.add_argument("--resume", action="store_true", help="also use results of this program that the file has")
    options = parser.parse_args()
    options.seeds = 2 if options.quick else options.seeds
    chosen = options.tables.split(",") if options.tables else tables_data.names()
    unknown = [name for name in chosen if name not in tables_data.names()]
    if unknown or options.seeds < 1 or options.jobs < 1:
        parser.error(f"no table {unknown[0]}; there are {', '.join(tables_data.names())}" if unknown else
                     "--seeds and --jobs must be 1 or more")
    return options, contestants(options, parser), chosen


def main():
    options, competing, chosen = arguments()
    tables, absent = tables_data.load(options.data, chosen)
    if absent:
        print(f"Left out: {', '.join(absent)}. Set EVENKEEL_DATA to a folder that holds them.")
    if not tables:
        sys.exit("No table is left.")
    file = Results(options.results)
    results, failures, jobs = collections.defaultdict(dict), {}, []
    for seed in range(options.seeds):
        for table in tables:
            for contestant in competing:
                kept = file.of(contestant, table, seed) if options.resume or isinstance(contestant, Peer) else None
                if kept:
                    results[table.name, contestant.name][seed] = kept
                else:
                    jobs.append((table, seed, contestant))
    if jobs:
        run(jobs, options.jobs, results, failures, file)
    Summary(tables, competing, results, failures, options.seeds).print()
    sys.exit(1 if failures else 0)


try:
    main()
except KeyboardInterrupt:
    sys.exit("\nInterrupted; --resume goes on with the runs that the results file has.")
