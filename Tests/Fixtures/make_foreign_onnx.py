"""Writes ONNX files of PyTorch (three exporters) and scikit-learn, with inputs and what the models give there.

usage: make_foreign_onnx.py FOLDER; cases.json is as make_onnx.py writes it.
"""
import contextlib
import io
import json
import logging
import sys
import warnings

import numpy as np
import onnx
import torch
from torch import nn

FOLDER = sys.argv[1]
CASES = []
warnings.simplefilter("ignore")
logging.disable(logging.WARNING)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))
        self.skip = nn.Identity() if stride == 1 else nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return torch.relu(self.body(x) + self.skip(x))


MODELS = {
    "mlp": ((5,), lambda: nn.Sequential(
        nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 8, bias=False), nn.GELU(), nn.LayerNorm(8), nn.Dropout(),
        nn.Linear(8, 6), nn.SiLU(), nn.Linear(6, 3), nn.Softmax(1))),
    "resnet": ((3, 8, 8), lambda: nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), Block(4, 4, 1), Block(4, 6, 2), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(6, 3))),
    "norms": ((3, 8, 8), lambda: nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.GroupNorm(2, 6), nn.Softplus(),
        nn.Conv2d(6, 6, 3, padding=1, groups=6), nn.InstanceNorm2d(6, affine=True), nn.LeakyReLU(0.2), nn.MaxPool2d(2),
        nn.Conv2d(6, 4, 1), nn.ReLU(), nn.BatchNorm2d(4), nn.AvgPool2d(2, stride=1), nn.Tanh(), nn.Flatten(), nn.Linear(4, 2),
        nn.Sigmoid())),
    "sequence": ((3, 12), lambda: nn.Sequential(
        nn.Conv1d(3, 5, 4, stride=2), nn.BatchNorm1d(5), nn.ELU(), nn.MaxPool1d(2), nn.Mish(), nn.Flatten(), nn.Linear(10, 2))),
}


def add(file, x, y):
    np.save(f"{FOLDER}/{file}.x.npy", x)
    np.save(f"{FOLDER}/{file}.y.npy", y.reshape(len(x), -1))
    CASES.append({"file": file})


def pytorch():
    torch.manual_seed(3)
    for name, (shape, make) in MODELS.items():
        model = make()
        with torch.no_grad():
            for tensor in list(model.parameters()) + list(model.buffers()):
                if tensor.dim() == 1:
                    tensor += torch.rand_like(tensor)
        model.eval()
        x = torch.randn(4, *shape)
        with torch.no_grad():
            y = model(x).numpy()
        rows = torch.export.Dim("N")
        for kind, options in [
            ("default", {"dynamo": True, "dynamic_shapes": ({0: rows},)}),
            ("plain", {"dynamo": True, "dynamic_shapes": ({0: rows},), "optimize": False}),
            ("legacy", {"dynamo": False, "input_names": ["x"], "dynamic_axes": {"x": {0: "N"}}}),
            ("legacy-one-size", {"dynamo": False}),
        ]:
            file = f"{name}-{kind}.onnx"
            with contextlib.redirect_stdout(io.StringIO()):
                torch.onnx.export(model, (x,), f"{FOLDER}/{file}", verbose=False, **options)
            add(file, x.numpy(), y)


def scikit_learn():
    from skl2onnx import to_onnx
    from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    for name, data, make in [
        ("classes", load_wine(), MLPClassifier), ("pair", load_breast_cancer(), MLPClassifier),
        ("values", load_diabetes(), MLPRegressor),
    ]:
        x = data.data.astype(np.float32)
        model = make_pipeline(StandardScaler(), make(hidden_layer_sizes=(8,), max_iter=20, random_state=1)).fit(x, data.target)
        options = {"zipmap": False} if name != "values" else None
        file = f"sklearn-{name}.onnx"
        onnx.save(to_onnx(model, x[:1], options=options, target_opset=17), f"{FOLDER}/{file}")
        add(file, x, model.predict_proba(x) if name != "values" else model.predict(x))


pytorch()
scikit_learn()
with open(f"{FOLDER}/cases.json", "w", encoding="utf-8") as out:
    json.dump(CASES, out)
