"""Makes Tests/ExampleLayersTests/numbers.json with torch==2.13.0+cpu: networks of the example layers in double, what
they predict, their gradients, and where three steps of gradient descent lead.

    python -m venv venv
    venv/bin/pip install torch==2.13.0+cpu --index-url https://download.pytorch.org/whl/cpu
    venv/bin/python Examples/Layers/make_numbers.py
"""

import json
import pathlib

import torch
from torch import nn

torch.manual_seed(7)
torch.set_default_dtype(torch.float64)


class RMSBatchNorm(nn.Module):
    """y = weight x / sqrt(mean of x² + ε) + bias, with a debiased running mean of x²."""

    def __init__(self, features, epsilon=1e-5, decay=0.9):
        super().__init__()
        self.epsilon, self.decay = epsilon, decay
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))
        self.register_buffer("mean_square", torch.ones(features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x):
        square = self.mean_square
        if self.training:
            square = (x * x).mean(0)
            self.num_batches_tracked += 1
            share = (1 - self.decay) / (1 - self.decay ** self.num_batches_tracked.item())
            self.mean_square += share * (square.detach() - self.mean_square)
        return self.weight * x / torch.sqrt(square + self.epsilon) + self.bias


class GaussianNoise(nn.Module):
    """What the layer is in prediction and on a loss surface: the noise itself has no numbers to compare."""

    def forward(self, x):
        return x


def numbers(tensor):
    return tensor.detach().double().flatten().tolist()


def case(network, x, labels):
    # Numbers that a float holds, as a network in floats begins with them.
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_((parameter + 0.3 * torch.randn_like(parameter)).float())
    loss_of = nn.CrossEntropyLoss()
    named = lambda: {name: numbers(p) for name, p in network.named_parameters()}
    network.eval()
    result = {"start": named(), "untrained": numbers(network(x))}
    # Evenkeel standardizes inputs when it trains.
    x = (x - x.mean(0)) / x.std(0, unbiased=False)
    network.train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.5)
    for step in range(3):
        optimizer.zero_grad()
        loss = loss_of(network(x), labels)
        loss.backward()
        if step == 0:
            result["loss"] = loss.item()
            result["gradients"] = {name: numbers(p.grad) for name, p in network.named_parameters()}
        optimizer.step()
    network.eval()
    result["end"] = named()
    result["buffers"] = {name: numbers(b) for name, b in network.named_buffers()}
    result["trained"] = numbers(torch.softmax(network(x), 1))
    return result


x = (torch.randn(12, 3) * torch.tensor([1.0, 2.0, 0.5]) + torch.tensor([0.5, -1.0, 0.0])).float().double()
labels = (x[:, 0] + x[:, 1] * x[:, 2] > 0).long()
networks = {
    "mish": nn.Sequential(nn.Linear(3, 4), nn.Mish(), nn.Linear(4, 2)),
    "norm": nn.Sequential(nn.Linear(3, 4), RMSBatchNorm(4), nn.Mish(), nn.Linear(4, 2)),
    "weightNorm": nn.Sequential(nn.utils.weight_norm(nn.Linear(3, 4)), nn.Tanh(), nn.Linear(4, 2)),
    "noise": nn.Sequential(nn.Linear(3, 4), GaussianNoise(), nn.Linear(4, 2)),
}
result = {"x": numbers(x), "labels": labels.tolist()}
result["cases"] = {name: case(network, x, labels) for name, network in networks.items()}
target = pathlib.Path(__file__).parent / "Tests/ExampleLayersTests/numbers.json"
target.write_text(json.dumps(result, indent=1) + "\n")
