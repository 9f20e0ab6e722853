"""The networks in PyTorch, with modules in the order and under the names of Evenkeel's network files."""
import common
import torch
from torch import nn


def multilayer(widths, activation, norm=True):
    """A fully connected net with a norm on every hidden layer, its weights from the fixed sequence."""
    activation = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid}[activation]
    layers = []
    for inputs, outputs in zip(widths, widths[1:-1]):
        layers += [nn.Linear(inputs, outputs, bias=not norm), *([nn.BatchNorm1d(outputs)] if norm else []), activation()]
    return with_fixed_weights(nn.Sequential(*layers, nn.Linear(widths[-2], widths[-1])))


def with_fixed_weights(net):
    """Weights from the fixed sequence, biases 0."""
    offset = 0
    with torch.no_grad():
        for p in net.parameters():
            if p.ndim > 1:
                values = torch.from_numpy(common.numbers(offset, p.numel()))
                p.copy_(((2 * values - 1) * (6 / p[0].numel()) ** 0.5).reshape(p.shape))
                offset += p.numel()
        for module in net.modules():
            if getattr(module, "bias", None) is not None:
                module.bias.zero_()
    return net


def convolution(inputs, filters, kernel=3, stride=1, norm=True):
    layers = [nn.Conv2d(inputs, filters, kernel, stride, padding=kernel // 2, bias=not norm)]
    return layers + ([nn.BatchNorm2d(filters)] if norm else [])


def lenet(norm=True, classes=10):
    layers = []
    for inputs, filters in ((1, 32), (32, 32), (32, 64), (64, 64)):
        layers += [*convolution(inputs, filters, norm=norm), nn.ReLU()]
        if len([x for x in layers if isinstance(x, nn.Conv2d)]) % 2 == 0:
            layers.append(nn.MaxPool2d(2))
    layers += [nn.Flatten(), nn.Linear(3136, 128, bias=not norm)]
    layers += ([nn.BatchNorm1d(128)] if norm else []) + [nn.ReLU(), nn.Linear(128, classes)]
    return nn.Sequential(*layers)


class Residual(nn.Module):
    def __init__(self, inputs, filters, stride, norm):
        super().__init__()
        self.block = nn.Sequential(*convolution(inputs, filters, 3, stride, norm), nn.ReLU(),
                                   *convolution(filters, filters, norm=norm))
        projected = stride != 1 or inputs != filters
        self.shortcut = nn.Sequential(*convolution(inputs, filters, 1, stride, norm)) if projected else nn.Identity()

    def forward(self, x):
        return self.shortcut(x) + self.block(x)


class GlobalAveragePool(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


def resnet(depth, norm=True, classes=10, channels=3):
    layers = [*convolution(channels, 16, norm=norm), nn.ReLU()]
    inputs = 16
    for filters in (16, 32, 64):
        for index in range((depth - 2) // 6):
            layers += [Residual(inputs, filters, 2 if filters != 16 and index == 0 else 1, norm), nn.ReLU()]
            inputs = filters
    return nn.Sequential(*layers, GlobalAveragePool(), nn.Linear(64, classes))


def image_network(name, norm=True):
    """A network with the fixed weights and the shape of its images (height, width, channels)."""
    net = lenet(norm) if name == "lenet" else resnet(int(name[6:]), norm)
    return with_fixed_weights(net), (28, 28, 1) if name == "lenet" else (32, 32, 3)
