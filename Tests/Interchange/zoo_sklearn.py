"""Writes ONNX files of scikit-learn's pipelines, by skl2onnx. usage: zoo_sklearn.py FOLDER"""
import sys
import warnings

import numpy as np
import onnx
import skl2onnx
import sklearn
from sklearn.datasets import load_breast_cancer, load_diabetes, load_linnerud, load_wine
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from zoo import Zoo

warnings.simplefilter("ignore")
PROGRAM = f"scikit-learn {sklearn.__version__}, skl2onnx {skl2onnx.__version__}"


def main(folder):
    zoo = Zoo(folder, "sklearn")
    for name, data, make in [
        ("classes", load_wine(), MLPClassifier), ("pair", load_breast_cancer(), MLPClassifier),
        ("values", load_diabetes(), MLPRegressor), ("three values", load_linnerud(), MLPRegressor),
    ]:
        x, y = data.data.astype(np.float32), data.target
        for scaler, opset, zipmap in [
            (StandardScaler(), 17, False), (MinMaxScaler(), 18, True), (RobustScaler(), 21, False), (MaxAbsScaler(), 21, True),
            (StandardScaler(with_mean=False), 17, False), (None, 17, True),
        ]:
            network = make(hidden_layer_sizes=(8, 6), activation="tanh" if opset == 18 else "relu", max_iter=20, random_state=1)
            model = (make_pipeline(scaler, network) if scaler else network).fit(x, y)
            kind = type(scaler).__name__ if scaler else "no scaler"
            file = f"sklearn-{name}-{kind}-{opset}-{zipmap}.onnx".replace(" ", "")
            program = f"{PROGRAM}, {kind}"
            try:
                options = {id(network): {"zipmap": zipmap}} if make is MLPClassifier else None
                onnx.save(skl2onnx.to_onnx(model, x[:1], options=options, target_opset=opset), f"{folder}/{file}")
            except Exception as error:
                zoo.add_failed(file, program, error)
                continue
            if name == "three values":
                # skl2onnx makes one column of all targets.
                zoo.add_refused(file, program, "its sizes do not fit examples of 3 values")
                continue
            zoo.add(file, program, x, model.predict_proba(x) if make is MLPClassifier else model.predict(x))
    zoo.write()


main(sys.argv[1])
