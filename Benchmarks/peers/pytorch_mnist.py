"""784-256-256-10 with batch norm on the four IDX files of a folder: Adam 1e-3, batch 128, five epochs, a stored model."""
import gzip
import os
import sys

import numpy as np
import torch

torch.set_num_threads(len(os.sched_getaffinity(0)))
torch.manual_seed(1)
folder, output = sys.argv[1:]


def idx(name, header):
    path = os.path.join(folder, name)
    data = gzip.open(path + ".gz").read() if os.path.exists(path + ".gz") else open(path, "rb").read()
    return np.frombuffer(data, np.uint8, offset=header)


def part(name):
    images = idx(name + "-images-idx3-ubyte", 16).reshape(-1, 784)
    return torch.from_numpy(images.copy()), torch.from_numpy(idx(name + "-labels-idx1-ubyte", 8).astype(np.int64))


images, labels = part("train")
values = images.float()
mean, deviation = values.mean(), values.std()
values = (values - mean) / deviation
layers = []
for inputs in (784, 256):
    layers += [torch.nn.Linear(inputs, 256, bias=False), torch.nn.BatchNorm1d(256), torch.nn.ReLU()]
net = torch.nn.Sequential(*layers, torch.nn.Linear(256, 10))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for _ in range(5):
    order = torch.randperm(len(values))
    for start in range(0, len(values), 128):
        chosen = order[start:start + 128]
        optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(net(values[chosen]), labels[chosen]).backward()
        optimizer.step()
net.eval()
images, labels = part("t10k")
with torch.inference_mode():
    accuracy = (net((images.float() - mean) / deviation).argmax(1) == labels).float().mean().item()
torch.save(net.state_dict(), output)
print(f"accuracy {accuracy:.4f}")
