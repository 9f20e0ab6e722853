"""Makes Tests/Fixtures/activations.json: what forward hooks of PyTorch see at every module of mlp, lenet and resnet20, with running
statistics, with the examples' own and without normalization.

Run with PyTorch 2.13 (CPU): python3 Tests/Fixtures/make_activations.py
Inputs, weights and running statistics are numbers of a fixed sequence, so that the test can make the same. Of each module's output
there are mean, deviation and eight of its values, features last.
"""
import os
import sys

import torch
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../Benchmarks/peers"))
from common import numbers
from networks import Residual, lenet, multilayer, resnet, with_fixed_weights

from fixtures import numbers as rounded, write

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
SAMPLES = 8


def sequence(start, count):
    return torch.from_numpy(numbers(start, count)).double()


def set_norms(net):
    """γ from 0.5 to 1.5, β and running means from -0.5 to 0.5, running variances from 0.5 to 1.5."""
    norms = {name: m for name, m in net.named_modules() if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d))}
    with torch.no_grad():
        for index, name in enumerate(sorted(norms)):
            m, start = norms[name], 2_000_003 + 10_000 * index
            for part, (values, least) in enumerate(
                ((m.weight, 0.5), (m.bias, -0.5), (m.running_mean, -0.5), (m.running_var, 0.5))):
                values.copy_(sequence(start + 2_000 * part, m.num_features) + least)
    return norms


def seen(net, norms, x, mode):
    """Mean, deviation and some values of every module's output."""
    result = {}

    def normalize(module, inputs, output):
        (value,) = inputs
        if mode == "none":
            return value
        if mode == "own" and value.numel() > module.num_features:
            return nn.functional.batch_norm(value, None, None, module.weight, module.bias, True, 0.1, module.eps)
        return output

    def record(name):
        def hook(module, inputs, output):
            values = (output.permute(0, 2, 3, 1) if output.ndim == 4 else output).reshape(-1)
            step = max(1, values.numel() // SAMPLES)
            result[name] = rounded([values.mean().item(), values.std(unbiased=False).item()] + values[::step][:SAMPLES].tolist())
        return hook

    handles = [m.register_forward_hook(normalize) for m in norms.values()]
    handles += [m.register_forward_hook(record(name)) for name, m in net.named_modules()
                if name and (isinstance(m, Residual) or not list(m.children())) and not isinstance(m, nn.Identity)]
    net.eval()
    with torch.no_grad():
        net(x)
    for handle in handles:
        handle.remove()
    return result


networks = {}
for name, net, shape in (("mlp", multilayer([784, 256, 256, 10], "relu"), (784,)), ("lenet", lenet(), (28, 28, 1)),
                         ("resnet20", resnet(20), (32, 32, 3))):
    net = with_fixed_weights(net).double()
    norms = set_norms(net)
    cases = []
    for rows, mode in ((8, "running"), (8, "own"), (1, "own"), (8, "none")):
        count = rows * torch.Size(shape).numel()
        x = sequence(1_000_003, count).reshape(rows, *shape)
        cases.append({"rows": rows, "mode": mode, "layers": seen(net, norms, x.permute(0, 3, 1, 2) if x.ndim == 4 else x, mode)})
    networks[name] = cases
write("activations.json", __file__, "PyTorch " + torch.__version__.split("+")[0], {"networks": networks})
