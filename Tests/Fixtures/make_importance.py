"""Makes Tests/Fixtures/importance.json: scikit-learn's permutation importance of a linear model of integers, for R² and the mean
absolute error, with the standard error of each mean over permutations."""
import numpy
import sklearn
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression

from fixtures import numbers, write

ROWS, REPEATS = 240, 2000
x = numpy.array([[(row * (17 + 14 * column) + row * row * (3 + column)) % (23 + 12 * column) for column in range(3)]
                 for row in range(ROWS)], dtype=float)
y = 3 * x[:, 0] + x[:, 1] + numpy.array([(row * 19) % 13 for row in range(ROWS)])
model = LinearRegression().fit(x, y)
cases = []
for metric, scoring in [("r2", "r2"), ("mae", "neg_mean_absolute_error")]:
    found = permutation_importance(model, x, y, scoring=scoring, n_repeats=REPEATS, random_state=1)
    cases.append({"metric": metric, "means": numbers(found.importances_mean.tolist(), 12),
                  "errors": numbers((found.importances_std / REPEATS ** 0.5).tolist(), 6)})
write("importance.json", __file__, "scikit-learn " + sklearn.__version__, {
    "rows": ROWS, "coefficients": numbers(model.coef_.tolist(), 15), "intercept": float(model.intercept_), "cases": cases})
