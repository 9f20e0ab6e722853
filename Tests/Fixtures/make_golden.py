"""Makes Tests/EvenkeelTests/GoldenNumbers.swift: the losses of 20 steps of a three-layer net in PyTorch, per optimizer.

Run with PyTorch 2.13 (CPU): python3 Tests/Fixtures/make_golden.py > Tests/EvenkeelTests/GoldenNumbers.swift
Inputs and weights are sines of their index, so that the test can make the same.
"""
import math
import torch

torch.set_num_threads(1)


def wave(count, step, size):
    return torch.tensor([size * math.sin(step * (i + 1)) for i in range(count)], dtype=torch.float32)


def run(make):
    x = wave(16 * 6, 0.7, 1).reshape(16, 6)
    x = (x - x.mean(0)) / x.std(0, unbiased=False)
    labels = torch.tensor([i % 4 for i in range(16)])
    net = torch.nn.Sequential(
        torch.nn.Linear(6, 8, bias=False), torch.nn.BatchNorm1d(8), torch.nn.ReLU(),
        torch.nn.Linear(8, 7, bias=False), torch.nn.BatchNorm1d(7), torch.nn.Tanh(), torch.nn.Linear(7, 4))
    with torch.no_grad():
        for layer, step in ((0, 1.3), (3, 1.7), (6, 1.9)):
            w = net[layer].weight
            w.copy_(wave(w.numel(), step, 0.5).reshape(w.shape))
        net[6].bias.zero_()
    weights = [net[i].weight for i in (0, 3, 6)]
    others = [p for p in net.parameters() if not any(p is w for w in weights)]
    optimizer, clip = make(weights, others)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(x), labels)
        losses.append(loss.item())
        loss.backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(net.parameters(), clip)
        optimizer.step()
    return losses + net[4].running_mean[:3].tolist() + net[4].running_var[:3].tolist()


class Lion(torch.optim.Optimizer):
    """PyTorch has none: this is algorithm 2 of Chen et al. 2023, decay decoupled."""

    def __init__(self, parameters, lr, betas=(0.9, 0.99), weight_decay=0):
        super().__init__(parameters, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                update = torch.sign(beta1 * m + (1 - beta1) * p.grad)
                p.sub_(group["lr"] * (update + group["weight_decay"] * p))
                m.mul_(beta2).add_((1 - beta2) * p.grad)


def plain(kind, clip=None, **options):
    return lambda weights, others: (kind(weights + others, **options), clip)


def decayed(kind, decay, **options):
    return lambda weights, others: (
        kind([{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0}], **options), None)


optim = torch.optim
runs = {
    "gradientDescent": plain(optim.SGD, lr=0.1),
    "gradientDescentDecayed": decayed(optim.SGD, 0.05, lr=0.1),
    "gradientDescentClipped": plain(optim.SGD, clip=0.2, lr=0.1),
    "momentum": plain(optim.SGD, lr=0.05, momentum=0.9),
    "nesterov": plain(optim.SGD, lr=0.05, momentum=0.9, nesterov=True),
    "rmsProp": plain(optim.RMSprop, lr=0.005),
    "adam": plain(optim.Adam, lr=0.01),
    "adamW": decayed(optim.AdamW, 0.1, lr=0.01),
    "lion": decayed(Lion, 0.1, lr=0.002),
}
print("// Made by Tests/Fixtures/make_golden.py with PyTorch", torch.__version__.split("+")[0] + ": 20 losses, then three")
print("// running means and three running variances of the second batch norm.")
print("let goldenRuns: [String: [Double]] = [")
for name, make in runs.items():
    print(f'  "{name}": [\n    ' + ",\n    ".join(f"{v:.8f}" for v in run(make)) + ",\n  ],")
print("]")
