"""Makes Tests/Fixtures/conventions.json: batch norm and learning-rate schedules as other programs do them; and
python_model.safetensors, a file that Python's safetensors package writes.

Run with PyTorch 2.13 (CPU), Keras 3.15 on JAX 0.10 and ONNX 1.23:
    KERAS_BACKEND=jax python3 Tests/Fixtures/make_conventions.py
Inputs are sines of their index, so that the test can make the same.
"""
import math

import keras
import numpy
import onnx
import torch
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from safetensors.torch import save

from fixtures import numbers, write, write_bytes

ROWS, FEATURES = 6, 5


def wave(count, step, size, shift=0.0):
    return numpy.array([size * math.sin(step * (i + 1)) + shift for i in range(count)], dtype=numpy.float32)


# The first batch is of ±1 in equal parts, so that standardizing the inputs changes nothing.
signs = numpy.array([[1 if (r + c) % 2 == 0 else -1 for c in range(FEATURES)] for r in range(ROWS)], numpy.float32)
batches = [signs, wave(30, 0.7, 2, 3).reshape(ROWS, FEATURES), wave(20, 1.1, 0.5, -1).reshape(4, FEATURES)]
scale, shift, dy = wave(FEATURES, 1.3, 1.5), wave(FEATURES, 1.7, 0.5), wave(30, 1.9, 1).reshape(ROWS, FEATURES)


def pytorch_step():
    """y and gradients of one training step on the second batch, in double."""
    norm = torch.nn.BatchNorm1d(FEATURES, dtype=torch.float64)
    with torch.no_grad():
        norm.weight.copy_(torch.from_numpy(scale))
        norm.bias.copy_(torch.from_numpy(shift))
    x = torch.from_numpy(batches[1]).double().requires_grad_()
    y = norm(x)
    y.backward(torch.from_numpy(dy).double())
    return {"y": y, "dx": x.grad, "dscale": norm.weight.grad, "dshift": norm.bias.grad}


def pytorch(**options):
    norm = torch.nn.BatchNorm1d(FEATURES, dtype=torch.float64, **options)
    for batch in batches:
        norm(torch.from_numpy(batch).double())
    norm.eval()
    return norm.running_mean, norm.running_var, norm(torch.from_numpy(batches[1]).double())


def in_keras():
    norm = keras.layers.BatchNormalization()
    assert norm.momentum == 0.99 and norm.epsilon == 1e-3
    for batch in batches:
        norm(batch, training=True)
    return norm.moving_mean.value, norm.moving_variance.value, norm(batches[1], training=False)


def in_onnx():
    def run(x, mean, variance, training):
        outputs = ["y", "m", "v"] if training else ["y"]
        node = helper.make_node(
            "BatchNormalization", ["x", "scale", "bias", "mean", "variance"], outputs, training_mode=int(training))
        names = ["x", "scale", "bias", "mean", "variance"]
        graph = helper.make_graph(
            [node], "g", [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in names],
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)])
        ones = numpy.ones(FEATURES, numpy.float32)
        inputs = {"x": x, "scale": ones, "bias": 0 * ones, "mean": mean, "variance": variance}
        return ReferenceEvaluator(model).run(None, inputs)

    mean, variance = numpy.zeros(FEATURES, numpy.float32), numpy.ones(FEATURES, numpy.float32)
    for batch in batches:
        _, mean, variance = run(batch, mean, variance, True)
    return mean, variance, run(batches[1], mean, variance, False)[0]


def schedules():
    """Twenty factors of each, one scheduler step a training step."""
    makers = {
        "step": lambda o: torch.optim.lr_scheduler.StepLR(o, step_size=3, gamma=0.1),
        "exponential": lambda o: torch.optim.lr_scheduler.ExponentialLR(o, gamma=0.9),
        "cosine": lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=20),
        "oneCycle": lambda o: torch.optim.lr_scheduler.OneCycleLR(o, max_lr=1, total_steps=20),
    }
    result = {}
    for name, make in makers.items():
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        scheduler = make(optimizer)
        factors = []
        for _ in range(20):
            factors.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if len(factors) < 20:
                scheduler.step()
        result[name] = factors
    return result


def rounded(values):
    values = values.detach() if hasattr(values, "detach") else values
    return numbers(numpy.asarray(values).reshape(-1).tolist())


def stored_model():
    """The state_dict of a small trained net as Python's safetensors writes it, with an input and what it predicts."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Linear(2, 3, bias=False), torch.nn.BatchNorm1d(3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    x = torch.from_numpy(wave(16, 0.9, 1).reshape(8, 2))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        net(x).square().mean().backward()
        optimizer.step()
    net.eval()
    return save(net.state_dict()), net(x)


runs = {
    "PyTorch": pytorch(), "PyTorch, momentum 0.3": pytorch(momentum=0.3), "PyTorch, cumulative": pytorch(momentum=None),
    "Keras": in_keras(), "ONNX": in_onnx(),
}
data, prediction = stored_model()
write_bytes("python_model.safetensors", data)
versions = f"PyTorch {torch.__version__.split('+')[0]}, Keras {keras.__version__} and ONNX {onnx.__version__}"
write("conventions.json", __file__, versions, {
    # One training step of PyTorch's BatchNorm1d in double: outputs and gradients.
    "step": {name: rounded(values) for name, values in pytorch_step().items()},
    # After three batches.
    "conventions": {
        name: {"mean": rounded(mean), "variance": rounded(variance), "prediction": rounded(predicted)}
        for name, (mean, variance, predicted) in runs.items()},
    # Learning rates over twenty steps from a rate of 1.
    "schedules": {name: numbers(values) for name, values in schedules().items()},
    # What PyTorch predicts with python_model.safetensors.
    "modelPrediction": rounded(prediction),
})
