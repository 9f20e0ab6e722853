"""Makes Tests/EvenkeelTests/GoldenVariants.swift: ghost batches and batch renormalization by PyTorch, in double.

    python3 Tests/Fixtures/make_variants.py > Tests/EvenkeelTests/GoldenVariants.swift
Inputs are sines of their index, so that the test can make the same. Gradients are autograd's.
"""
import math

import torch

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


def show(name, values):
    print(f'  "{name}": [')
    for value in values:
        print("    [")
        numbers = [f"{number:.9g}" for number in value.flatten().tolist()]
        for start in range(0, len(numbers), 7):
            print("      " + ", ".join(numbers[start:start + 7]) + ",")
        print("    ],")
    print("  ],")


print("// Made by Tests/Fixtures/make_variants.py with PyTorch", torch.__version__.split("+")[0] + ".")
print("\n/// Loss, dγ, dβ, dW of the layer behind, running means and variances of one step, by variant.")
print("let variants: [String: [[Double]]] = [")
show("ghost 4", ghost(4))
show("ghost 2", ghost(2))
show("renorm to 3 and 5", renorm(3, 5))
show("renorm a quarter of the way to 1.2 and 0.4", renorm(1.05, 0.1))
print("]")
