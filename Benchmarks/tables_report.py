"""What many runs on many tables say together: means and standard errors, ranks, wins, and where linear is better."""
import math
import statistics

MARGINS = {"accuracy": 0.002, "relative": 0.002}  # means that differ by no more are a tie
LEADING = {"classification": "accuracy", "regression": "relative"}


class Summary:
    """`results` holds by (table, contestant) the measures and seconds of each seed; a table counts for a contestant
    that failed on one of its seeds as the worst result."""

    def __init__(self, tables, contestants, results, failures, seeds):
        self.tables, self.results, self.failures, self.seeds = tables, results, failures, seeds
        self.names = [contestant.name for contestant in contestants]
        self.ours = self.names[0]

    def values(self, table, name, measure):
        runs = self.results.get((table.name, name), {})
        return [runs[seed][0][measure] for seed in range(self.seeds)] if len(runs) == self.seeds else None

    def gaps(self, table, one, other):
        """By how much `one` is better than `other`, seed by seed; None where either failed."""
        measure = LEADING[table.task]
        a, b = self.values(table, one, measure), self.values(table, other, measure)
        sign = 1 if measure == "accuracy" else -1
        return [sign * (x - y) for x, y in zip(a, b)] if a and b else None

    def compare(self, table, one, other):
        """1 where `one` is better, -1 where `other` is, 0 within the margin."""
        gaps = self.gaps(table, one, other)
        if gaps is None:
            failed = [self.values(table, name, LEADING[table.task]) is None for name in (one, other)]
            return failed[1] - failed[0]
        gap = statistics.fmean(gaps)
        return 0 if abs(gap) <= MARGINS[LEADING[table.task]] else int(math.copysign(1, gap))

    def rank(self, table, name):
        """1 plus those that are better plus half of those that are equal."""
        against = [self.compare(table, name, other) for other in self.names if other != name]
        return 1 + against.count(-1) + against.count(0) / 2

    def cell(self, table, name, measure):
        values = self.values(table, name, measure)
        if values is None:
            return f"failed on {self.seeds - len(self.results.get((table.name, name), {}))} of {self.seeds}"
        factor, places = (100, 1) if measure == "accuracy" else (1, 3)
        mean, error = factor * statistics.fmean(values), factor * standard_error(values)
        return f"{mean:.{places}f}" + (f" ± {error:.{places}f}" if self.seeds > 1 else "")

    def print(self):
        runs = f"Mean ± standard error over {self.seeds} seeds" if self.seeds > 1 else "One seed"
        print(f"\n{runs}: accuracy in %, log loss, and as error the root mean squared error as a share of that of "
              "predicting the mean\n")
        heading("table", "rows", "measure", *self.names)
        for table in self.tables:
            measures = [("accuracy", "accuracy"), ("loss", "log loss")] if table.task == "classification" else \
                [("relative", "error")]
            for measure, title in measures:
                line(table.name, len(table.texts), title, *(self.cell(table, name, measure) for name in self.names))
        self.print_overall()
        self.print_worse_than_linear()
        self.print_failures()

    def print_overall(self):
        print(f"\nTables: {len(self.tables)}, by accuracy and error; up to {100 * MARGINS['accuracy']:.1f} points "
              f"of accuracy and {MARGINS['relative']} of error are a tie\n")
        heading("contestant", "mean rank", f"{self.ours} wins–losses–ties against it", "mean seconds")
        for name in self.names:
            ranks = [self.rank(table, name) for table in self.tables]
            against = [self.compare(table, self.ours, name) for table in self.tables]
            record = "" if name == self.ours else "–".join(str(against.count(sign)) for sign in (1, -1, 0))
            seconds = [run[1] for table in self.tables for run in self.results.get((table.name, name), {}).values()]
            line(name, f"{statistics.fmean(ranks):.2f}", record, f"{statistics.fmean(seconds):.2f}" if seconds else "")

    def print_worse_than_linear(self):
        if self.seeds < 2 or "linear" not in self.names or self.ours == "linear":
            return
        worse = []
        for table in self.tables:
            gaps = self.gaps(table, self.ours, "linear")
            gap = statistics.fmean(gaps) if gaps else 0
            if gap < -MARGINS[LEADING[table.task]] and -gap > 2 * standard_error(gaps):
                points = table.task == "classification"
                amount = f"{-100 * gap:.1f} points of accuracy" if points else f"{-gap:.3f} of error"
                worse.append(f"{table.name} ({amount})")
        print(f"\n{self.ours} is worse than linear by more than two standard errors on: "
              f"{', '.join(worse) or 'no table'}.")

    def print_failures(self):
        """Each reason once, with the first run that it ended."""
        runs = {}
        for (table, name, seed), reason in self.failures.items():
            runs.setdefault((name, reason), []).append(f"{table}, seed {seed}")
        for (name, reason), where in runs.items():
            more = f" and {len(where) - 1} more" if len(where) > 1 else ""
            print(f"\n{name} failed on {where[0]}{more}: {reason}")


def standard_error(values):
    return statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0


def line(*cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |")


def heading(*cells):
    line(*cells)
    print("|---" * len(cells) + "|")
