"""The contestants: each trains on the rows that it is given and predicts the others; all are measured alike, here."""
import hashlib
import importlib.metadata
import os
import shlex
import subprocess
import tempfile
import time
import warnings
from dataclasses import dataclass, field

import numpy
import pandas
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

THREADS = 2
SMALLEST = 1e-7  # probability: below it a predicted one counts as this in the log loss


class Failure(Exception):
    """A contestant that did not give a prediction for every row; the text says why."""


def numbers_and_texts(inputs):
    numbers = inputs.select_dtypes("number").columns
    return numbers, inputs.columns.difference(numbers, sort=False)


def scaled_columns(inputs):
    """For models that need numbers of like size: medians for missing ones, then z-scores, and texts one-hot."""
    numbers, texts = numbers_and_texts(inputs)
    return ColumnTransformer([
        ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        ("texts", OneHotEncoder(handle_unknown="ignore", sparse_output=False), texts)])


def coded_columns(inputs):
    """For trees: numbers as they are, texts as numbers in alphabetic order; missing and unknown ones are missing."""
    numbers, texts = numbers_and_texts(inputs)
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=numpy.nan, encoded_missing_value=numpy.nan)
    return ColumnTransformer([("numbers", "passthrough", numbers), ("texts", codes, texts)])


def scaled_target(model):
    return TransformedTargetRegressor(model, transformer=StandardScaler())


# Name: preparation of the columns, classifier and regressor of a seed; all with their packages' defaults.
PEERS = {
    "linear": (scaled_columns, lambda seed: LogisticRegression(max_iter=1000, random_state=seed),
               lambda seed: Ridge(random_state=seed)),
    "MLP": (scaled_columns, lambda seed: MLPClassifier(random_state=seed),
            lambda seed: scaled_target(MLPRegressor(random_state=seed))),
    "HistGB": (coded_columns, lambda seed: HistGradientBoostingClassifier(random_state=seed),
               lambda seed: HistGradientBoostingRegressor(random_state=seed)),
    "LightGBM": (coded_columns, lambda seed: LGBMClassifier(random_state=seed, n_jobs=THREADS, verbose=-1),
                 lambda seed: LGBMRegressor(random_state=seed, n_jobs=THREADS, verbose=-1)),
}


@dataclass
class Prediction:
    """Of every test row the class or the number, and for classes their probabilities, columns as `classes`."""
    values: numpy.ndarray
    classes: list = field(default_factory=list)
    probabilities: numpy.ndarray | None = None


class Peer:
    """A model of a Python package, with its defaults."""
    options = ""

    def __init__(self, name):
        self.name = name
        package = "lightgbm" if name == "LightGBM" else "scikit-learn"
        self.program = f"{package} {importlib.metadata.version(package)}"

    def predict(self, table, train, test, seed):
        prepare, classifier, regressor = PEERS[self.name]
        inputs, labels = table.values.drop(columns=table.target), table.labels()
        model = make_pipeline(prepare(inputs), (classifier if table.task == "classification" else regressor)(seed))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of steps that did not converge, which defaults may leave so
            model.fit(inputs.loc[train], labels[train].to_numpy())
            if table.task == "regression":
                return Prediction(model.predict(inputs.loc[test]))
            probabilities = model.predict_proba(inputs.loc[test])
        classes = list(model.classes_)
        return Prediction(numpy.array(classes)[probabilities.argmax(axis=1)], classes, probabilities)


class Ours:
    """The program at `binary`, with the options of `train` that are competing."""

    def __init__(self, name, options, binary):
        self.name, self.options, self.words, self.binary = name, options, shlex.split(options), os.path.abspath(binary)
        with open(self.binary, "rb") as file:
            self.program = hashlib.sha256(file.read()).hexdigest()[:16]
        self.stamp = os.stat(self.binary).st_mtime_ns

    def run(self, *words):
        done = subprocess.run([self.binary, *words], capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"{words[0]} ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-300:]}")

    def predict(self, table, train, test, seed):
        if os.stat(self.binary).st_mtime_ns != self.stamp:
            raise Failure("the program was built anew while it was measured")
        with tempfile.TemporaryDirectory() as folder:
            names = ("train.csv", "test.csv", "inputs.csv", "model", "predicted.csv")
            rows, tests, inputs, model, predicted = [os.path.join(folder, name) for name in names]
            table.texts.loc[train].to_csv(rows, index=False)
            table.texts.loc[test].to_csv(tests, index=False)
            table.texts.loc[test].drop(columns=table.target).to_csv(inputs, index=False)
            self.run("train", rows, "--target", table.target, "--task", table.task, "--seed", str(seed),
                     "--threads", str(THREADS), "--test", tests, "--json", "--output", model, *self.words)
            self.run("predict", model, inputs, "--output", predicted)
            answer = pandas.read_csv(predicted, dtype=str, keep_default_na=False)
        if len(answer) != len(test):
            raise Failure(f"{len(answer)} predictions for {len(test)} rows")
        if table.task == "regression":
            return Prediction(answer.iloc[:, 0].to_numpy(dtype=float))
        prefix = "probability of "
        columns = [column for column in answer if column.startswith(prefix)]
        classes = [column.removeprefix(prefix) for column in columns]
        return Prediction(answer.iloc[:, 0].to_numpy(dtype=str), classes, answer[columns].to_numpy(dtype=float))


def measure(contestant, table, seed):
    """The measures of `contestant` on the test rows of `seed`, and the seconds that training and prediction took."""
    train, test = table.split(seed)
    started = time.perf_counter()
    prediction = contestant.predict(table, train, test, seed)
    seconds = time.perf_counter() - started
    wanted = table.labels()[test].to_numpy()
    if table.task == "regression":
        if not numpy.isfinite(prediction.values).all():
            raise Failure("a prediction is not a finite number")
        mean = table.labels()[train].mean()
        error = numpy.sqrt(numpy.mean((prediction.values - wanted) ** 2))
        return {"relative": float(error / numpy.sqrt(numpy.mean((mean - wanted) ** 2)))}, seconds
    unknown = set(wanted) - set(prediction.classes)
    if unknown:
        raise Failure(f"no probability of {', '.join(sorted(unknown))}; only of {', '.join(prediction.classes)}")
    if not numpy.isfinite(prediction.probabilities).all():
        raise Failure("a probability is not a finite number")
    order = numpy.argsort(prediction.classes)
    likely = numpy.clip(prediction.probabilities[:, order], SMALLEST, None)
    loss = log_loss(wanted, likely / likely.sum(axis=1, keepdims=True), labels=sorted(prediction.classes))
    return {"accuracy": float(numpy.mean(prediction.values == wanted)), "loss": float(loss)}, seconds
