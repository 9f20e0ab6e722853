"""What the makers of foreign ONNX files share: a folder of files, each with what its program predicts and how it trains on."""
import json

import numpy as np

ROWS = 48
CLASSES = 3
# Gradient descent over all rows at once: nothing depends on an order.
STEPS = 3
LEARNING_RATE = 0.05


class Zoo:
    """Files and the list of them, which `write` puts into cases-NAME.json."""

    def __init__(self, folder, name):
        self.folder, self.name, self.cases = folder, name, []

    def add(self, file, program, x, y, labels=None, losses=None, features_first=False):
        """Lists a file of `folder`.

        x, y: what goes into the graph and what the program predicts of it.
        labels, losses: classes of the rows, and the loss of the program at each step of training from the file on, with the norms
        that the file has.
        features_first: whether the graph takes features before positions.
        """
        np.save(f"{self.folder}/{file}.x.npy", x)
        np.save(f"{self.folder}/{file}.y.npy", np.asarray(y).reshape(len(x), -1))
        self.cases.append({"file": file, "program": program})
        if losses is not None:
            rows = np.ascontiguousarray(np.moveaxis(x, 1, -1)) if features_first else x
            np.savez(f"{self.folder}/{file}.npz", x_train=rows, y_train=labels, x_test=rows, y_test=labels)
            self.cases[-1]["losses"] = losses

    def add_refused(self, file, program, sentence):
        """Lists a file that is no network of Evenkeel's: `sentence` is a part of what is said of it."""
        self.cases.append({"file": file, "program": program, "sentence": sentence})

    def add_failed(self, file, program, error):
        """Lists what the program itself could not write."""
        self.cases.append({"file": file, "program": program, "failed": f"`{file}` ({type(error).__name__})"})

    def write(self):
        with open(f"{self.folder}/cases-{self.name}.json", "w", encoding="utf-8") as out:
            json.dump(self.cases, out)


def labels(seed=7):
    return np.random.default_rng(seed).integers(0, CLASSES, ROWS)
