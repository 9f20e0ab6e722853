"""Makes Tests/Fixtures/norms.json: PyTorch's layer, group, instance and RMS norm, forward and backward, in double.

Run with PyTorch 2.13 (CPU): python3 Tests/Fixtures/make_norms.py
Inputs are sines of their index, so that the test can make the same. Values are features last, as Evenkeel lays them out.
"""
import math

import torch
from torch import nn

from fixtures import numbers, write

FEATURES, EXAMPLES = 6, 3


def wave(count, step, size, shift=0.0):
    return torch.tensor([size * math.sin(step * (i + 1)) + shift for i in range(count)], dtype=torch.float32).double()


def features_second(norm):
    return lambda x: norm(x.movedim(-1, 1)).movedim(1, -1)


def norms(axes):
    """Each as the module and the call on features-last tensors; defaults of PyTorch but for affine."""
    double = {"dtype": torch.float64}
    layer, group = nn.LayerNorm(FEATURES, **double), nn.GroupNorm(3, FEATURES, **double)
    whole = nn.GroupNorm(1, FEATURES, **double)
    # In double PyTorch's default for eps=None is double's; Evenkeel's is float's.
    rms = nn.RMSNorm(FEATURES, eps=torch.finfo(torch.float32).eps, **double)
    yield "layerNorm", layer, layer
    yield "rmsNorm", rms, rms
    yield "groupNorm 3", group, features_second(group)
    yield "groupNorm 1", whole, features_second(whole)
    if axes:
        instance = (nn.InstanceNorm1d if len(axes) == 1 else nn.InstanceNorm2d)(FEATURES, affine=True, **double)
        yield "instanceNorm", instance, features_second(instance)


results = []
for axes in ([], [4], [2, 3]):
    shape = [EXAMPLES, *axes, FEATURES]
    count = math.prod(shape)
    for kind, module, call in norms(axes):
        with torch.no_grad():
            module.weight.copy_(wave(FEATURES, 1.3, 1.5))
            if getattr(module, "bias", None) is not None:
                module.bias.copy_(wave(FEATURES, 1.7, 0.5))
        x = wave(count, 0.7, 2, 3).reshape(shape).requires_grad_()
        y = call(x)
        y.backward(wave(count, 1.9, 1).reshape(shape))
        values = {"y": y, "dx": x.grad, "weight": module.weight.grad}
        if getattr(module, "bias", None) is not None:
            values["bias"] = module.bias.grad
        results.append({
            "kind": kind, "axes": axes,
            "values": {name: numbers(v.detach().reshape(-1).tolist()) for name, v in values.items()}})
write("norms.json", __file__, "PyTorch " + torch.__version__.split("+")[0], {"norms": results})
