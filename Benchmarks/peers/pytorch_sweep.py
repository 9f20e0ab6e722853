"""Trials of 784-100-100-100-10 (ReLU) on the four IDX files of a folder, with batch norm and without in turn: gradient descent
at quasi-random step sizes, batches of 60, weights scaled at the start, one thread a process, two processes.

    pytorch_sweep.py FOLDER TRIALS STEPS [sigmoid]     sigmoid: one process, batch norm, step size 0.5
"""
import gzip
import os
import sys

import numpy as np
import torch

torch.set_num_threads(1)
folder, trials, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
paper = sys.argv[4:] == ["sigmoid"]


def idx(name, header):
    path = os.path.join(folder, name)
    data = gzip.open(path + ".gz").read() if os.path.exists(path + ".gz") else open(path, "rb").read()
    return np.frombuffer(data, np.uint8, offset=header)


def part(name):
    images = idx(name + "-images-idx3-ubyte", 16).reshape(-1, 784)
    return torch.from_numpy(images.copy()).float(), torch.from_numpy(idx(name + "-labels-idx1-ubyte", 8).astype(np.int64))


def trial(number, values, labels, test, test_labels):
    torch.manual_seed(number)
    normalized, activation = paper or number % 2 == 0, torch.nn.Sigmoid if paper else torch.nn.ReLU
    layers = []
    for inputs in (784, 100, 100):
        layers += [torch.nn.Linear(inputs, 100, bias=not normalized)]
        layers += [torch.nn.BatchNorm1d(100)] if normalized else []
        layers += [activation()]
    net = torch.nn.Sequential(*layers, torch.nn.Linear(100, 10))
    rate = 0.5 if paper else 10 ** (-4 + 5 * (number * 0.754877666 % 1))
    scale = 1 if paper else 10 ** (-2 + 3 * (number * 0.569840291 % 1))
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.ndim > 1:
                parameter.mul_(scale)
    optimizer = torch.optim.SGD(net.parameters(), lr=rate)
    order = torch.randperm(len(values))
    for step in range(steps):
        start = step * 60 % (len(values) - 60)
        chosen = order[start:start + 60]
        optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(net(values[chosen]), labels[chosen]).backward()
        optimizer.step()
    net.eval()
    with torch.inference_mode():
        return (net(test).argmax(1) == test_labels).float().mean().item()


def run(numbers):
    values, labels = part("train")
    test, test_labels = part("t10k")
    mean, deviation = values.mean(), values.std()
    values, test = (values - mean) / deviation, (test - mean) / deviation
    return [trial(number, values, labels, test, test_labels) for number in numbers]


if __name__ == "__main__":
    if paper:
        results = run(range(trials))
    else:
        from multiprocessing import get_context
        with get_context("spawn").Pool(2) as pool:
            results = sum(pool.map(run, [range(0, trials, 2), range(1, trials, 2)]), [])
    print(f"accuracy {max(results):.4f}")
