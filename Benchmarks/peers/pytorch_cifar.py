"""ResNet-20 on a folder of CIFAR-10's binary batches: the same settings as Evenkeel's command in run.py.

Usage: pytorch_cifar.py FOLDER OUTPUT EPOCHS SEED
"""
import gzip
import math
import os
import sys

import networks
import numpy as np
import torch

torch.set_num_threads(len(os.sched_getaffinity(0)))
folder, output, epochs, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
torch.manual_seed(seed)


def batch(name):
    path = os.path.join(folder, name)
    data = gzip.open(path + ".gz").read() if os.path.exists(path + ".gz") else open(path, "rb").read()
    rows = torch.from_numpy(np.frombuffer(data, np.uint8).reshape(-1, 3073).copy())
    return rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0].long()


names = [f"data_batch_{i}.bin" for i in range(1, 6)]
parts = [batch(n) for n in names if any(os.path.exists(os.path.join(folder, n + s)) for s in ("", ".gz"))]
images, labels = (torch.cat(p) for p in zip(*parts))
values = images.double()
mean, deviation = values.mean((0, 2, 3)).float()[:, None, None], values.std((0, 2, 3)).float()[:, None, None]
del values


def augmented(x):
    """Random crop after a padding of four zeros, and a flip of every second image."""
    padded = torch.nn.functional.pad(x, (4, 4, 4, 4))
    y = torch.empty_like(x)
    for i in range(len(x)):
        top, left = torch.randint(0, 9, (2,)).tolist()
        y[i] = padded[i, :, top:top + 32, left:left + 32]
    flipped = torch.rand(len(x)) < 0.5
    y[flipped] = y[flipped].flip(3)
    return y


net = networks.resnet(20).to(memory_format=torch.channels_last)
for module in net.modules():
    if isinstance(module, torch.nn.Conv2d):
        torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
decayed = [p for p in net.parameters() if p.ndim > 1]
others = [p for p in net.parameters() if p.ndim == 1]
optimizer = torch.optim.SGD([{"params": decayed, "weight_decay": 1e-4}, {"params": others, "weight_decay": 0}],
                            lr=0.1, momentum=0.9)
steps = math.ceil(len(images) / 128)
schedule = torch.optim.lr_scheduler.LambdaLR(
    optimizer, lambda step: (1 + math.cos(math.pi * step / (steps * epochs))) / 2)
for _ in range(epochs):
    order = torch.randperm(len(images))
    for start in range(0, len(images), 128):
        chosen = order[start:start + 128]
        x = ((augmented(images[chosen].float()) - mean) / deviation).contiguous(memory_format=torch.channels_last)
        optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(net(x), labels[chosen]).backward()
        optimizer.step()
        schedule.step()
net.eval()
images, labels = batch("test_batch.bin")
with torch.inference_mode():
    logits = torch.cat([net(((x.float() - mean) / deviation).contiguous(memory_format=torch.channels_last))
                        for x in images.split(256)])
torch.save(net.state_dict(), output)
print(f"accuracy {(logits.argmax(1) == labels).float().mean().item():.4f}")
