"""The PyTorch side of the benchmark; `pytorch.py compile` uses torch.compile."""
import os
import sys

import common
import torch

torch.set_num_threads(len(os.sched_getaffinity(0)))
torch.manual_seed(0)
compiled = (lambda f: torch.compile(f)) if sys.argv[1:] == ["compile"] else (lambda f: f)
ACTIVATIONS = {"relu": torch.nn.ReLU, "sigmoid": torch.nn.Sigmoid}


def network(widths, activation):
    layers = []
    for inputs, outputs in zip(widths, widths[1:-1]):
        layers += [torch.nn.Linear(inputs, outputs, bias=False), torch.nn.BatchNorm1d(outputs),
                   ACTIVATIONS[activation]()]
    layers.append(torch.nn.Linear(widths[-2], widths[-1]))
    net = torch.nn.Sequential(*layers)
    with torch.no_grad():
        linear = [layer for layer in net if isinstance(layer, torch.nn.Linear)]
        for layer, weight in zip(linear, common.weights(widths)):
            layer.weight.copy_(torch.from_numpy(weight))
        linear[-1].bias.zero_()
    return net


def steps(widths, activation, rows):
    net = network(widths, activation)
    x, labels = common.batch(rows, widths[0], widths[-1])
    x, labels = torch.from_numpy(x), torch.from_numpy(labels)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

    def loss_of(x, labels):
        return torch.nn.functional.cross_entropy(net(x), labels)

    loss_of = compiled(loss_of)

    def body():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(x, labels)
        loss.backward()
        optimizer.step()
        return loss

    check = [body().item() for _ in range(5)]
    for group in optimizer.param_groups:
        group["lr"] = 1e-6
    return check, body


def layer(rows, features):
    x, dy = (torch.from_numpy(a) for a in common.layer_input(rows, features))
    x.requires_grad_()
    net = torch.nn.Sequential(torch.nn.BatchNorm1d(features), torch.nn.ReLU())
    run = compiled(net)

    def body():
        x.grad = None
        net.zero_grad(set_to_none=True)
        run(x).backward(dy)

    body()
    check = [(x.grad.double() ** 2).sum().item(), net[0].weight.grad.double().abs().sum().item()]
    return check, body


def prediction(widths, activation):
    net = network(widths, activation).eval()
    x = torch.from_numpy(common.numbers(1_000_003, widths[0])).reshape(1, -1)
    run = compiled(net)

    def body():
        with torch.inference_mode():
            return run(x)

    return body()[0].tolist(), body


common.serve(steps, layer, prediction)
