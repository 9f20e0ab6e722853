"""Makes Tests/Fixtures/image_runs.json: ten losses of lenet and resnet20 in PyTorch, and the probabilities of the first
example by the running statistics after these steps.

Run with PyTorch 2.13 (CPU): python3 Tests/Fixtures/make_image_runs.py
Inputs and weights are numbers of a fixed sequence, so that the test can make the same.
"""
import os
import sys

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../Benchmarks/peers"))
from common import numbers
from networks import lenet, resnet

from fixtures import write

torch.set_num_threads(1)
# In double: a float run of so deep a net on few images strays from it by a few parts in ten thousand within ten steps.
torch.set_default_dtype(torch.float64)
ROWS = 16


def run(net, shape):
    x = torch.from_numpy(numbers(1_000_003, ROWS * shape[0] * shape[1] * shape[2])).double().reshape(ROWS, *shape)
    mean, deviation = x.mean((0, 1, 2)), x.std((0, 1, 2), unbiased=False)
    x = ((x - mean) / deviation).permute(0, 3, 1, 2).contiguous()
    labels = torch.arange(ROWS) % 10
    offset = 0
    with torch.no_grad():
        for name, p in net.named_parameters():
            if p.ndim < 2:
                if name.endswith("bias"):
                    p.zero_()
                continue
            fan = p[0].numel()
            values = torch.from_numpy(numbers(offset, p.numel()))
            p.copy_(((2 * values - 1) * (6 / fan) ** 0.5).reshape(p.shape))
            offset += p.numel()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.0005, momentum=0.9)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(x), labels)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        probabilities = torch.softmax(net(x[:1]), 1)[0].tolist()
    return losses, probabilities


runs = {}
for name, net, shape in (("lenet", lenet(), (28, 28, 1)), ("resnet20", resnet(20), (32, 32, 3))):
    losses, probabilities = run(net, shape)
    runs[name] = {"losses": [round(v, 7) for v in losses], "probabilities": [round(v, 7) for v in probabilities]}
write("image_runs.json", __file__, "PyTorch " + torch.__version__.split("+")[0], {"runs": runs})
