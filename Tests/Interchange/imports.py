"""Imports the files of the zoo with the command and compares what the models do."""
import dataclasses
import glob
import json
import re
import subprocess

from zoo import LEARNING_RATE, ROWS

# Of the largest output, and of a loss.
TOLERANCE = 1e-5


@dataclasses.dataclass
class Group:
    """The files of one program."""
    files: int = 0
    difference: float = 0
    norms: int = 0
    trained: int = 0
    loss: float = 0
    refused: int = 0
    failed: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Found:
    groups: dict = dataclasses.field(default_factory=dict)
    failures: list = dataclasses.field(default_factory=list)

    def table(self):
        lines = ["| written by | files | read | largest difference | batch norms | trained on | loss, largest difference |",
                 "|---|---|---|---|---|---|---|"]
        for program, group in self.groups.items():
            read = group.files - group.refused
            text = f"{read}" + (f", {group.refused} refused by name" if group.refused else "")
            lines.append(
                f"| {program} | {group.files} | {text} | {f'{group.difference:.0e}' if read else ''} | {group.norms or ''} | {group.trained or ''} | "
                f"{f'{group.loss:.0e}' if group.trained else ''} |")
        failed = [f"* {program}: {failure}" for program, group in self.groups.items() for failure in group.failed]
        return "\n".join(lines + (["", "What these programs could not write themselves:", "", *failed] if failed else []))


def run(*words):
    return subprocess.run(words, capture_output=True, text=True)


def check(evenkeel, folder):
    found = Found()
    for path in sorted(glob.glob(f"{folder}/cases-*.json")):
        with open(path, encoding="utf-8") as file:
            cases = json.load(file)
        for case in cases:
            group = found.groups.setdefault(case["program"], Group())
            if "failed" in case:
                group.failed.append(case["failed"])
                continue
            group.files += 1
            try:
                check_case(evenkeel, folder, case, group)
            except AssertionError as error:
                found.failures.append(f"{case['program']}, {case['file']}: {error}")
    return found


def check_case(evenkeel, folder, case, group):
    file, model = f"{folder}/{case['file']}", f"{folder}/imported.safetensors"
    if "sentence" in case:
        result = run(evenkeel, "import", file, "--output", model)
        assert result.returncode == 65 and case["sentence"] in result.stderr, f"is not refused: {result.stdout}{result.stderr}"
        group.refused += 1
        return
    result = run(evenkeel, "import", file, "--output", model, "--check", f"{file}.x.npy", f"{file}.y.npy")
    assert result.returncode == 0, result.stderr.strip()
    difference = float(re.search(r"largest difference is ([^ ]+) of", result.stdout)[1])
    assert difference <= TOLERANCE, f"predictions differ by {difference:.1e}"
    group.difference = max(group.difference, difference)
    group.norms += sum(" batchNorm" in line for line in result.stdout.splitlines())
    if "losses" not in case:
        return
    expected = case["losses"]
    result = run(
        evenkeel, "train", f"{file}.npz", "--from", model, "--epochs", str(len(expected)), "--batch-size", str(ROWS),
        "--optimizer", "sgd", "--learning-rate", str(LEARNING_RATE), "--json", "--quiet", "--output", f"{folder}/trained.safetensors")
    assert result.returncode == 0, result.stderr.strip()
    events = [json.loads(line) for line in result.stdout.splitlines()]
    losses = [event["trainLoss"] for event in events if event["event"] == "epoch"]
    assert len(losses) == len(expected), f"{len(losses)} epochs"
    differences = [abs(one - other) / other for one, other in zip(losses, expected)]
    assert max(differences) <= TOLERANCE, f"trains with the losses {losses}; expected {expected}"
    group.trained += 1
    group.loss = max(group.loss, *differences)
