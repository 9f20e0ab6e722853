"""Runs the programs that the tutorials end with, and holds what they say against what the text promises."""
import re
import tempfile

from paths import BUILT, fail, run


def run_all():
    """Returns how many there are."""
    for name, promise in PROMISES.items():
        if not (BUILT / name).exists():
            fail(f"{BUILT / name} is missing; swift build --product {name} builds it.")
        with tempfile.TemporaryDirectory() as folder:
            said = run(BUILT / name, cwd=folder)
        broken = [sentence for sentence, holds in promise(said) if not holds]
        if broken:
            fail(f"{name}: {'; '.join(broken)}. It said:\n{said}")
    return len(PROMISES)


def number(said, before):
    """The number that follows some words."""
    match = re.search(re.escape(before) + r"\s*(-?[\d.]+(?:e-?\d+)?)", said)
    return float(match[1].rstrip(".")) if match else float("nan")


def first_network(said):
    yield "it reads nine of ten digits", number(said, "test accuracy") > 0.9
    yield "a 7 is read as 7", "A drawn 7 is read as 7" in said
    yield "the stored model says the same", "says the same: true" in said


def table_of_rides(said):
    yield "the weather is two features or more", said.count("weather") >= 2
    yield "the error is less than half of the guess's", number(said, "RMSE") < 0.5 * number(said, "always the mean:")
    yield "the hour matters more than nothing", number(said, "hour: R² falls by") > 0.1


def own_layer(said):
    derivative, difference = number(said, "derivative"), number(said, "difference")
    yield "it learns", number(said, "test accuracy") > 0.8
    yield "the model is read back", "read back: true" in said
    # The difference is of losses in float, over a way of 0.02 in 64 slopes: its error is of the order of (0.01)².
    yield "the gradient is the difference", abs(derivative - difference) < 0.01 * abs(derivative) + 1e-3


def ill_norm(said):
    healthy, ill, cured = (number(said, words) for words in
                           ["as trained: accuracy", "in other light: accuracy", "recalibrated: accuracy"])
    yield "it is ill in other light", ill < healthy - 0.2
    yield "the doctor finds it", "layer 1:" in said and "layer 4:" in said
    yield "it is cured", cured > healthy - 0.05
    yield "it has left the old light", number(said, "in the old light: accuracy") < cured


PROMISES = {"FirstNetwork": first_network, "TableOfRides": table_of_rides, "OwnLayer": own_layer, "IllNorm": ill_norm}
