"""Checks that Evenkeel's model files and PyTorch's state_dict are the same thing, both ways, for every kind of network.

Evenkeel trains on digits that it draws; PyTorch loads the file into the equivalent module and must predict the same. Then
PyTorch writes other values into a file of the same description, and Evenkeel must predict what PyTorch does.
Usage: state_dict.py EVENKEEL (the program)
"""
import csv
import io
import json
import subprocess
import sys
import tempfile

import networks
import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

program = sys.argv[1]


def mlp():
    return nn.Sequential(nn.Linear(784, 256, bias=False), nn.BatchNorm1d(256), nn.ReLU(),
                         nn.Linear(256, 256, bias=False), nn.BatchNorm1d(256), nn.ReLU(), nn.Linear(256, 10))


# Every norm that takes an example by itself, in Evenkeel's words and in PyTorch's.
norms_file = """
input: [28, 28, 1]
layers:
  - convolution: {filters: 12, kernel: 3, stride: 2}
  - groupNorm: 3
  - relu
  - convolution: {filters: 8, kernel: 3, stride: 2}
  - instanceNorm
  - relu
  - flatten
  - dense: 32
  - layerNorm
  - relu
  - dense: 24
  - rmsNorm
  - dense: 10
"""


def norms():
    return nn.Sequential(
        nn.Conv2d(1, 12, 3, 2, 1), nn.GroupNorm(3, 12), nn.ReLU(),
        nn.Conv2d(12, 8, 3, 2, 1, bias=False), nn.InstanceNorm2d(8, affine=True), nn.ReLU(), nn.Flatten(),
        nn.Linear(392, 32), nn.LayerNorm(32), nn.ReLU(), nn.Linear(32, 24), nn.RMSNorm(24), nn.Linear(24, 10))


def run(*arguments):
    return subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout


def predicted(model, pixels):
    rows = list(csv.reader(io.StringIO(run("predict", model, pixels))))[1:]
    return np.array([[float(v) for v in row[1:]] for row in rows])


def expected(net, scaling, images):
    x = (images.astype(np.float32) - np.float32(scaling["mean"][0])) / np.float32(scaling["deviation"][0])
    x = torch.from_numpy(x)
    x = x.reshape(len(x), -1) if isinstance(net[0], nn.Linear) else x.reshape(len(x), 1, 28, 28)
    net.eval()
    with torch.inference_mode():
        return torch.softmax(net(x), 1).numpy()


worst = 0
with tempfile.TemporaryDirectory() as folder:
    # Blots of ink, which leave the networks in doubt.
    random = np.random.default_rng(1)
    ink = random.random((64, 7, 7)) < 0.3
    images = (ink.repeat(4, 1).repeat(4, 2) * random.integers(60, 200, (64, 28, 28))).astype(np.uint8).reshape(64, 784)
    pixels = folder + "/pixels.npy"
    np.save(pixels, images)
    with open(folder + "/norms.yaml", "w") as file:
        file.write(norms_file)
    for name, net in (("mlp", mlp()), ("lenet", networks.lenet()), ("resnet20", networks.resnet(20, channels=1)),
                      ("norms", norms())):
        ours, theirs = f"{folder}/{name}.safetensors", f"{folder}/{name}-torch.safetensors"
        network = folder + "/norms.yaml" if name == "norms" else name
        run("train", "digits", "--network", network, "--epochs", "1", "--output", ours, "--quiet")
        with safe_open(ours, "pt") as file:
            metadata = file.metadata()
        scaling = json.loads(metadata["evenkeel"])["scaling"]
        net.load_state_dict(load_file(ours))
        loaded = np.abs(predicted(ours, pixels) - expected(net, scaling, images)).max()
        with torch.no_grad():
            for key, value in net.state_dict().items():
                if value.is_floating_point():
                    value.mul_(1.02 - 0.04 * torch.rand_like(value))
        save_file(net.state_dict(), theirs, metadata=metadata)
        written = np.abs(predicted(theirs, pixels) - expected(net, scaling, images)).max()
        doubt = 1 - expected(net, scaling, images).max(1).mean()
        print(f"{name} (mean doubt {doubt:.2f}): PyTorch reads Evenkeel's file: probabilities differ by at most {loaded:.1e}; "
              f"Evenkeel reads PyTorch's: {written:.1e}")
        worst = max(worst, loaded, written)
if not worst < 1e-4:
    sys.exit("The files do not mean the same to both.")
