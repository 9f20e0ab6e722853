"""Makes Tests/Fixtures/variants.json: ghost batches and batch renormalization by PyTorch, in double.

Run with PyTorch 2.13 (CPU): python3 Tests/Fixtures/make_variants.py
Inputs are sines of their index, so that the test can make the same. Gradients are autograd's.
"""
import math

import torch

from fixtures import numbers, write

ROWS, FEATURES, CLASSES = 11, 5, 3


def wave(count, step, size, shift=0.0):
    values = [size * math.sin(step * (i + 1)) + shift for i in range(count)]
    return torch.tensor(values, dtype=torch.float32).double()


x = wave(ROWS * FEATURES, 0.7, 2, 3).reshape(ROWS, FEATURES)
other = wave(ROWS * FEATURES, 1.9, 1.5, 2.5).reshape(ROWS, FEATURES)
weight = wave(CLASSES * FEATURES, 1.1, 0.5).reshape(CLASSES, FEATURES)
scale, shift = wave(FEATURES, 1.3, 1.5), wave(FEATURES, 1.7, 0.5)
labels = torch.arange(ROWS) % CLASSES
decay = 0.9


def standardized(values):
    """As x standardizes them: the model's input scaling is fitted to x."""
    return (values - x.mean(0)) / x.std(0, unbiased=False)


def gradients(normalize, inputs=x):
    """The loss of a step, and the gradients of scale, shift and the weights behind the norm."""
    leaves = [scale.clone().requires_grad_(), shift.clone().requires_grad_(), weight.clone().requires_grad_()]
    y = torch.relu(normalize(standardized(inputs)) * leaves[0] + leaves[1])
    loss = torch.nn.functional.cross_entropy(y @ leaves[2].T, labels)
    loss.backward()
    return [loss.detach()] + [leaf.grad for leaf in leaves]


def ghost(size):
    norm = torch.nn.BatchNorm1d(FEATURES, affine=False, dtype=torch.float64)

    def part_by_part(values):
        outputs = []
        for part in torch.tensor_split(values, min(math.floor(ROWS / size + 0.5), ROWS // 2)):
            norm.momentum = 1 - decay ** min(1, len(part) / size)
            outputs.append(norm(part))
        return torch.cat(outputs)

    return gradients(part_by_part) + [norm.running_mean, norm.running_var]


def renorm(ratio, offset):
    """The step on `other` of a norm that has seen x before."""
    norm = torch.nn.BatchNorm1d(FEATURES, affine=False, momentum=1 - decay, dtype=torch.float64)
    norm(standardized(x))
    mean, variance = norm.running_mean.clone(), norm.running_var.clone()

    def normalize(values):
        batch_mean, deviation = values.mean(0), torch.sqrt(values.var(0, unbiased=False) + 1e-5)
        running = torch.sqrt(variance + 1e-5)
        r = torch.clamp(deviation / running, 1 / ratio, ratio).detach()
        d = torch.clamp((batch_mean - mean) / running, -offset, offset).detach()
        return (values - batch_mean) / deviation * r + d

    norm(standardized(other))
    return gradients(normalize, other) + [norm.running_mean, norm.running_var]


def step(values):
    names = ["loss", "scale", "shift", "weight", "runningMean", "runningVariance"]
    return {name: numbers(value.flatten().tolist()) for name, value in zip(names, values, strict=True)}


write("variants.json", __file__, "PyTorch " + torch.__version__.split("+")[0], {"steps": {
    "ghost 4": step(ghost(4)), "ghost 2": step(ghost(2)), "renorm to 3 and 5": step(renorm(3, 5)),
    "renorm a quarter of the way to 1.2 and 0.4": step(renorm(1.05, 0.1)),
}})
