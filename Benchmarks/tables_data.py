"""The tables that contestants meet on: which column is the target, what is left out for all of them, and the splits."""
import hashlib
import os
from dataclasses import dataclass

import pandas
from sklearn import datasets
from sklearn.model_selection import train_test_split

MISSING = ["", "NA", "?"]
ROW = "Unnamed: 0"  # what pandas calls R's first column, the row number, whose name is empty

# Files below the data folder: target, task, and the columns that nobody gets (identifiers, and what says the target).
FILES = {
    "tables/Baseball": ("sal87", "regression", ["name1", "name2"]),
    "tables/Blackmoor": ("exercise", "regression", ["subject"]),
    "tables/Cars93": ("Price", "regression", ["Min.Price", "Max.Price", "Model", "Make"]),
    "tables/Caschool": ("testscr", "regression", ["readscr", "mathscr", "distcod", "district"]),
    "tables/Chile": ("vote", "classification", []),
    "tables/Computers": ("price", "regression", []),
    "tables/Doctor": ("doctor", "regression", []),
    "tables/Forbes2000": ("profits", "regression", ["name"]),
    "tables/GaltonFamilies": ("childHeight", "regression", ["family"]),
    "tables/Mathlevel": ("sat", "regression", []),
    "tables/PD": ("apoe4", "classification", ["lab", "apoe", "apoe234", "apoe2", "apoe3"]),
    "tables/Pima.te": ("type", "classification", []),
    "tables/SLID": ("wages", "regression", []),
    "tables/Star": ("tmathssk", "regression", []),
    "tables/Vocab": ("vocabulary", "regression", []),
    "tables/Wages": ("lwage", "regression", []),
    "tables/airquality": ("Ozone", "regression", []),
    "tables/biopsy": ("class", "classification", ["ID"]),
    "tables/birthwt": ("low", "classification", ["bwt"]),
    "tables/car90": ("Price", "regression", []),
    "tables/fgl": ("type", "classification", []),
    "tables/movies": ("rating", "regression", ["title"] + [f"r{share}" for share in range(1, 11)]),
    "tables/mpg": ("hwy", "regression", []),
    "tables/msleep": ("sleep_total", "regression", ["name", "genus", "awake"]),
    "tables/pbc": ("stage", "classification", ["id"]),
    "tables/plantTraits": ("pdias", "regression", []),
    "tables/quakes": ("mag", "regression", []),
    "tables/tips": ("tip", "regression", []),
    "tabular/breast-cancer": ("class", "classification", []),
    "tabular/california-housing": ("median_house_value", "regression", []),
    "tabular/wine": ("class", "classification", []),
}
# Tables that come with scikit-learn, by name: target and task.
BUNDLED = {"diabetes": ("target", "regression"), "digits": ("target", "classification")}


@dataclass
class Table:
    """`texts` holds the cells as the file has them, `values` the same rows and columns as pandas takes them."""
    name: str
    target: str
    task: str
    texts: pandas.DataFrame
    values: pandas.DataFrame

    def __post_init__(self):
        kept = self.values[self.target].notna()
        self.texts, self.values = self.texts[kept].reset_index(drop=True), self.values[kept].reset_index(drop=True)
        content = self.texts.to_csv(index=False) + self.task
        self.hash = hashlib.sha256(content.encode()).hexdigest()[:16]

    def labels(self):
        """The target of every row: classes as their texts, numbers as numbers."""
        return self.texts[self.target] if self.task == "classification" else self.values[self.target].astype(float)

    def split(self, seed):
        """The rows to train and to test on, 80 to 20; classes in the same proportions in both."""
        strata = self.labels() if self.task == "classification" else None
        return train_test_split(self.texts.index.to_numpy(), test_size=0.2, stratify=strata, random_state=seed)


def from_file(path, name, target, task, left_out):
    texts = pandas.read_csv(path, dtype=str, keep_default_na=False)
    values = pandas.read_csv(path, keep_default_na=False, na_values=MISSING, low_memory=False)
    columns = [ROW] * (ROW in texts) + left_out
    return Table(name, target, task, texts.drop(columns=columns), values.drop(columns=columns))


def from_package(name, target, task):
    values = getattr(datasets, f"load_{name}")(as_frame=True).frame
    return Table(name, target, task, values.astype(str), values)


def names():
    return [path.split("/")[1] for path in FILES] + list(BUNDLED)


def load(folder, chosen):
    """Every table of `chosen` that is there, and the names of those that are not; `folder` may be empty."""
    tables, absent = [], []
    for path, description in FILES.items():
        name = path.split("/")[1]
        file = os.path.join(folder, path + ".csv")
        if name in chosen and os.path.isfile(file):
            tables.append(from_file(file, name, *description))
        elif name in chosen:
            absent.append(name)
    return tables + [from_package(name, *BUNDLED[name]) for name in BUNDLED if name in chosen], absent
