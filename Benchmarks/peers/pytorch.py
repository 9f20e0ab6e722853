"""The PyTorch side of the benchmark; `pytorch.py compile` uses torch.compile."""
import os
import sys

import common
import networks
import torch

torch.set_num_threads(len(os.sched_getaffinity(0)))
torch.manual_seed(0)
torch._dynamo.config.recompile_limit = 64  # every case is a function of its own to the compiler
compiled = (lambda f: torch.compile(f)) if sys.argv[1:] == ["compile"] else (lambda f: f)


def steps(widths, activation, rows, normalization, precision):
    widths = common.integers(widths)
    x, labels = common.batch(int(rows), widths[0], widths[-1])
    net = networks.multilayer(widths, activation, normalization == "batch")
    # A deep net without norms diverges soon.
    return stepping(net, torch.from_numpy(x), labels, precision, 0.01 if normalization == "batch" else 1e-5)


def stepping(net, x, labels, precision, rate):
    labels = torch.from_numpy(labels)
    optimizer = torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9)

    def loss_of(x, labels):
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
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


def layer(rows, features, height="1", width="1"):
    """Rows of features; with a height and a width, rows are images in PyTorch's best layout, channels last."""
    rows, features, height, width = int(rows), int(features), int(height), int(width)
    x, dy = (torch.from_numpy(a) for a in common.layer_input(rows, features))
    norm = torch.nn.BatchNorm1d(features)
    if height * width > 1:
        shape = (rows // (height * width), height, width, features)
        x, dy = (a.reshape(shape).permute(0, 3, 1, 2) for a in (x, dy))
        norm = torch.nn.BatchNorm2d(features)
    x.requires_grad_()
    net = torch.nn.Sequential(norm, torch.nn.ReLU())
    run = compiled(net)

    def body():
        x.grad = None
        net.zero_grad(set_to_none=True)
        run(x).backward(dy)

    body()
    check = [(x.grad.double() ** 2).sum().item(), net[0].weight.grad.double().abs().sum().item()]
    return check, body


def prediction(widths, activation):
    widths = common.integers(widths)
    x = torch.from_numpy(common.numbers(1_000_003, widths[0])).reshape(1, -1)
    return predicting(networks.multilayer(widths, activation), x)


def predicting(net, x):
    run = compiled(net.eval())

    def body():
        with torch.inference_mode():
            return run(x)

    return body()[0].tolist(), body


def image_network(name, norm=True):
    net, shape = networks.image_network(name, norm)
    return net.to(memory_format=torch.channels_last), shape


def channels_last(x):
    return torch.from_numpy(x).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


def images(name, rows, normalization, precision):
    net, shape = image_network(name, normalization == "batch")
    x, labels = common.images(int(rows), shape)
    return stepping(net, channels_last(x), labels, precision, 1e-5)


def image(name):
    net, shape = image_network(name)
    return predicting(net, channels_last(common.numbers(1_000_003, shape[0] * shape[1] * shape[2]).reshape(1, *shape)))


common.serve(step=steps, layer=layer, predict=prediction, images=images, image=image)
