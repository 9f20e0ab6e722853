"""Makes Tests/Fixtures/calibration.json: temperatures, calibration errors and thresholds of logits that integers give, so that the
test can make the same.

Run with NumPy, SciPy and scikit-learn: python3 Tests/Fixtures/make_calibration.py
"""
import numpy
import sklearn
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn import metrics as of

from fixtures import write

ROWS = 240


def logits(classes):
    """One row an example, quarters that a float holds."""
    return numpy.array([[((row * 37 + column * 61 + row * row * 5) % 23 - 11) / 4 for column in range(classes)]
                        for row in range(ROWS)])


def truth(z):
    """The most probable class in about half of the rows, else another."""
    classes = z.shape[1]
    return numpy.array([z[row].argmax() if row % 7 < 4 and row % 11 > 1 else (row * 7 + row // 5) % classes
                        for row in range(ROWS)])


def weights(kind):
    return numpy.ones(ROWS) if kind == "none" else numpy.array([(row * 17) % 5 / 2 for row in range(ROWS)])


def log_loss(z, y, w, factor):
    return float(-(w * log_softmax(factor * z, axis=1)[numpy.arange(ROWS), y]).sum() / w.sum())


def calibration_error(z, y, w, factor):
    """Guo et al. 2017, with 15 bins."""
    p = numpy.exp(log_softmax(factor * z, axis=1))
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    error = 0.0
    edges = numpy.linspace(0, 1, 16)
    for low, high in zip(edges, edges[1:]):
        own = (confidence > low) & (confidence <= high)
        if w[own].sum() > 0:
            gap = numpy.average(right[own], weights=w[own]) - numpy.average(confidence[own], weights=w[own])
            error += w[own].sum() / w.sum() * abs(gap)
    return float(error)


def best_value(z, y, w, score):
    """By trying every threshold between two probabilities."""
    p = numpy.exp(log_softmax(z, axis=1))[:, 1]
    distinct = numpy.unique(numpy.round(p, 12))
    tried = numpy.concatenate([[0], (distinct[1:] + distinct[:-1]) / 2])
    return max(float(score(y, (p >= threshold).astype(int), sample_weight=w)) for threshold in tried)


def case(classes, kind):
    z, w = logits(classes), weights(kind)
    y = truth(z)
    found = minimize_scalar(lambda factor: log_loss(z, y, w, factor), bounds=(0.05, 20), method="bounded",
                            options={"xatol": 1e-13})
    result = {"classes": classes, "weights": kind, "temperature": 1 / float(found.x),
              "logLoss": [log_loss(z, y, w, 1), log_loss(z, y, w, found.x)],
              "calibrationError": [calibration_error(z, y, w, 1), calibration_error(z, y, w, found.x)]}
    if classes == 2:
        result["f1"] = best_value(z, y, w, of.f1_score)
        result["balancedAccuracy"] = best_value(z, y, w, of.balanced_accuracy_score)
    return result


write("calibration.json", __file__, "scikit-learn " + sklearn.__version__, {
    "cases": [case(classes, kind) for classes in [2, 3, 5] for kind in ["none", "some"]],
})
