"""Makes foreign_weights.json and foreign/*.safetensors: the state of one PyTorch net as programs store it, without any
metadata of ours, and what PyTorch predicts with each.

Run with PyTorch 2.13 (CPU) and safetensors:
    python3 Tests/Fixtures/make_foreign_weights.py
Inputs are sines of their index, features last, so that the test can make the same.
"""
import copy
import math

import safetensors
import torch
from safetensors.torch import save

from fixtures import numbers, write, write_bytes

torch.manual_seed(0)
net = torch.nn.Sequential(
    torch.nn.Conv2d(3, 4, 3, padding=1, bias=False), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
    torch.nn.Flatten(), torch.nn.Linear(36, 5))
count = 2 * 6 * 6 * 3
x = torch.tensor([math.sin(0.37 * (i + 1)) for i in range(count)]).reshape(2, 6, 6, 3).permute(0, 3, 1, 2).contiguous()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(3):
    optimizer.zero_grad()
    net(x + step).square().mean().backward()
    optimizer.step()
net.eval()


class Holder(torch.nn.Module):
    """As many programs write it: the layers in an attribute."""

    def __init__(self, layers):
        super().__init__()
        self.layers = layers


def in_keras_names(state):
    names = {"1.weight": "1.gamma", "1.bias": "1.beta", "1.running_mean": "1.moving_mean",
             "1.running_var": "1.moving_variance"}
    renamed = {names.get(key, key): value for key, value in state.items()}
    renamed["1.num_batches_tracked"] = renamed["1.num_batches_tracked"].reshape(1)
    return renamed


states = {
    "parallel": torch.nn.DataParallel(torch.compile(net)).state_dict(),
    "holder": torch.compile(Holder(net)).state_dict(),
    "keras": in_keras_names(net.state_dict()),
    "float16": copy.deepcopy(net).half().state_dict(),
    "bfloat16": copy.deepcopy(net).bfloat16().state_dict(),
}
predictions = {}
for name, state in states.items():
    assert len(state) == len(net.state_dict())
    write_bytes(f"foreign/{name}.safetensors", save({key: value.contiguous() for key, value in state.items()}))
    # The same numbers in float32, by their order.
    rounded = copy.deepcopy(net)
    rounded.load_state_dict({
        key: value.float().reshape(old.shape) if value.is_floating_point() else old
        for (key, old), value in zip(net.state_dict().items(), state.values())})
    with torch.no_grad():
        predictions[name] = numbers(rounded(x).reshape(-1).tolist())
versions = f"PyTorch {torch.__version__.split('+')[0]} and safetensors {safetensors.__version__}"
write("foreign_weights.json", __file__, versions, {"predictions": predictions})
