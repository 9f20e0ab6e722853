"""Makes Tests/Fixtures/metrics.json: scikit-learn's metrics of predictions that integers give, so that the test can make the same.

Run with scikit-learn 1.9: python3 Tests/Fixtures/make_metrics.py
"""
import numpy
import sklearn
from sklearn import metrics as of
from sklearn.utils.class_weight import compute_class_weight

from fixtures import write

ROWS = 240


def probabilities(classes, known):
    """One row an example, with equal values among them; classes from `known` on have the probability 0."""
    whole = numpy.array([[1 + (row * 37 + column * 61 + row * row * 5) % 23 for column in range(known)]
                         for row in range(ROWS)], dtype=float)
    rows = whole / whole.sum(axis=1, keepdims=True)
    return numpy.hstack([rows, numpy.zeros((ROWS, classes - known))])


def truth(classes, chosen):
    """The predicted class in about half of the rows, else another."""
    return numpy.array([chosen[row] if row % 7 < 4 and row % 11 > 1 else (row * 7 + row // 5) % classes
                        for row in range(ROWS)])


def weights(kind):
    return None if kind == "none" else numpy.array([(row * 17) % 5 / 2 for row in range(ROWS)])


def of_classes(classes, known, kind):
    p = probabilities(classes, known)
    chosen = p.argmax(axis=1)
    y, w = truth(classes, chosen), weights(kind)
    labels = list(range(classes))
    score = p[:, 1] if classes == 2 else p
    values = {
        "accuracy": of.accuracy_score(y, chosen, sample_weight=w),
        "balanced-accuracy": of.balanced_accuracy_score(y, chosen, sample_weight=w),
        "f1-macro": of.f1_score(y, chosen, average="macro", sample_weight=w),
        "roc-auc": of.roc_auc_score(y, score, sample_weight=w, multi_class="ovr", labels=labels),
        "average-precision": of.average_precision_score(y, score, sample_weight=w),
        "log-loss": of.log_loss(y, p, sample_weight=w, labels=labels),
        "brier": of.brier_score_loss(y, score, sample_weight=w, labels=None if classes == 2 else labels),
    }
    if known == 2:
        values["f1"] = of.f1_score(y, chosen, labels=[1], average="macro", sample_weight=w)
    precision, recall, f1, _ = of.precision_recall_fscore_support(y, chosen, sample_weight=w, zero_division=0)
    return {"classes": classes, "known": known, "weights": kind, "metrics": values,
            "confusion": of.confusion_matrix(y, chosen, sample_weight=w).reshape(-1).tolist(),
            "precision": precision.tolist(), "recall": recall.tolist(), "f1": f1.tolist()}


def of_values(targets, rows, kind):
    y = numpy.array([[(row * 31 + target * 7) % 41 / 4 for target in range(targets)] for row in range(rows)])
    predicted = numpy.array([[y[row, target] + ((row * 19 + target * 3) % 29 - 13) / 8 for target in range(targets)]
                             for row in range(rows)])
    w = None if kind == "none" else weights(kind)[:rows]
    return {"targets": targets, "rows": rows, "weights": kind, "metrics": {
        "rmse": of.root_mean_squared_error(y, predicted, sample_weight=w),
        "mae": of.mean_absolute_error(y, predicted, sample_weight=w),
        "median-error": of.median_absolute_error(y, predicted, sample_weight=w),
        "r2": of.r2_score(y, predicted, sample_weight=w),
    }}


def plain(case):
    return {**case, "metrics": {name: float(value) for name, value in case["metrics"].items()}}


y = numpy.array([0] * 6 + [1] * 3 + [2])
w = numpy.array([1, 2, 1, 1, 0.5, 1, 3, 1, 1, 2])
balanced = {"none": compute_class_weight("balanced", classes=numpy.unique(y), y=y).tolist(),
            "some": compute_class_weight("balanced", classes=numpy.unique(y), y=y, sample_weight=w).tolist()}
kinds = ["none", "some"]
write("metrics.json", __file__, "scikit-learn " + sklearn.__version__, {
    "classes": [plain(of_classes(classes, known, kind))
                for classes, known in [(2, 2), (4, 4), (3, 2), (5, 4)] for kind in kinds],
    "values": [plain(of_values(targets, rows, kind))
               for targets, rows in [(1, 240), (1, 101), (2, 90)] for kind in kinds],
    "balanced": balanced})
