"""Writes ONNX files of PyTorch's three exporters. usage: zoo_pytorch.py FOLDER"""
import contextlib
import copy
import io
import logging
import sys
import warnings

import onnx
import torch
from torch import nn

from zoo import CLASSES, LEARNING_RATE, ROWS, STEPS, Zoo, labels

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
VERSION = f"PyTorch {torch.__version__.split('+')[0]}"


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))
        self.skip = nn.Identity() if stride == 1 else nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return torch.relu(self.body(x) + self.skip(x))


class ChannelsLast(nn.Module):
    """A network that takes images as files hold them."""

    def __init__(self):
        super().__init__()
        self.body = MODELS["conv-before"][1]()

    def forward(self, x):
        return self.body(x.permute(0, 3, 1, 2))


MODELS = {
    "dense-before": ((5,), lambda: nn.Sequential(
        nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 8, bias=False), nn.BatchNorm1d(8), nn.Tanh(),
        nn.Linear(8, CLASSES))),
    "dense-after": ((5,), lambda: nn.Sequential(
        nn.BatchNorm1d(5), nn.Linear(5, 8), nn.ReLU(), nn.BatchNorm1d(8), nn.Linear(8, CLASSES))),
    "dense-others": ((5,), lambda: nn.Sequential(
        nn.Linear(5, 8, bias=False), nn.GELU(), nn.LayerNorm(8), nn.Dropout(0.0), nn.Linear(8, 6), nn.SiLU(),
        nn.Linear(6, 6), nn.Mish(), nn.Linear(6, CLASSES), nn.Softmax(1))),
    "conv-before": ((3, 8, 8), lambda: nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6),
        nn.LeakyReLU(0.1), nn.Flatten(), nn.Linear(24, CLASSES))),
    "conv-after": ((3, 8, 8), lambda: nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.ReLU(), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4, CLASSES))),
    "residual": ((3, 8, 8), lambda: nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), Block(4, 4, 1), Block(4, 6, 2), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(6, CLASSES))),
    "other-norms": ((3, 8, 8), lambda: nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.GroupNorm(2, 6), nn.Softplus(), nn.Conv2d(6, 6, 3, padding=1, groups=6),
        nn.InstanceNorm2d(6, affine=True), nn.ELU(), nn.Conv2d(6, 4, 1), nn.ReLU(), nn.AvgPool2d(2, stride=1), nn.Flatten(),
        nn.Linear(36, CLASSES))),
    "sequence": ((3, 12), lambda: nn.Sequential(
        nn.Conv1d(3, 5, 4, stride=2), nn.BatchNorm1d(5), nn.ELU(), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(10, CLASSES))),
    "channels-last": ((8, 8, 3), lambda: ChannelsLast()),
}
ROWS_OPEN = {"dynamo": True, "dynamic_shapes": ({0: torch.export.Dim("N")},)}
LEGACY = {"dynamo": False, "input_names": ["x"], "dynamic_axes": {"x": {0: "N"}}}
EXPORTERS = [
    ("default", ROWS_OPEN), ("optimize=False", ROWS_OPEN | {"optimize": False}), ("legacy", LEGACY),
    ("legacy, training kept", LEGACY | {"do_constant_folding": False, "training": torch.onnx.TrainingMode.PRESERVE}),
]
OPSETS = {"default": [None, 18, 21, 23], "optimize=False": [None, 18, 21, 23], "legacy": [17, 18, 20], "legacy, training kept": [17]}
OFTEN = ["dense-before", "residual"]


def losses(model, x, y, path):
    """Of gradient descent, with the norms as the file has them: those that are folded no longer follow batches. None if some are."""
    nodes = onnx.load(path, load_external_data=False).graph.node
    left = sum(node.op_type == "BatchNormalization" for node in nodes)
    all_norms = sum(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.modules())
    if 0 < left < all_norms:
        return None
    trains = left == all_norms
    model = copy.deepcopy(model).train(trains)
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    found = []
    for _ in range(STEPS if trains else 1):
        optimizer.zero_grad()
        outputs = model(x)
        loss = nn.functional.nll_loss(outputs.log(), y) if isinstance(model[-1], nn.Softmax) else nn.functional.cross_entropy(outputs, y)
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return found


def main(folder):
    zoo = Zoo(folder, "pytorch")
    torch.manual_seed(3)
    y = torch.from_numpy(labels())
    for name, (shape, make) in MODELS.items():
        model = make()
        with torch.no_grad():
            for tensor in list(model.parameters()) + list(model.buffers()):
                if tensor.dim() == 1:
                    tensor += torch.rand_like(tensor)
        if name == "channels-last":
            model.__class__.__getitem__ = lambda self, place: self.body[place]
        model.eval()
        x = torch.randn(ROWS, *shape)
        with torch.no_grad():
            expected = model(x).numpy()
        for exporter, options in EXPORTERS:
            for opset in OPSETS[exporter] if name in OFTEN else OPSETS[exporter][:1]:
                file = f"{name}-{exporter}-{opset or 'own'}.onnx".replace(" ", "")
                program = f"{VERSION}, {exporter}"
                try:
                    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                        torch.onnx.export(
                            model, (x,), f"{folder}/{file}", verbose=False, **options,
                            **({} if opset is None else {"opset_version": opset}))
                except Exception as error:
                    zoo.add_failed(file, program, error)
                    continue
                zoo.add(
                    file, program, x.numpy(), expected, y.numpy(), losses(model, x, y, f"{folder}/{file}"),
                    features_first=len(shape) > 1 and name != "channels-last")
    # What stays in training mode has statistics of the batch.
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        torch.onnx.export(
            nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4, track_running_stats=False)).train(), (torch.randn(4, 5),),
            f"{folder}/training.onnx", dynamo=False, training=torch.onnx.TrainingMode.TRAINING, verbose=False)
    zoo.add_refused("training.onnx", f"{VERSION}, training mode", "export it in evaluation mode")
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Upsample(scale_factor=2), nn.Hardswish(), nn.Flatten(), nn.Linear(4 * 144, 2)).eval()
    torch.onnx.export(model, (torch.randn(2, 3, 8, 8),), f"{folder}/unknown.onnx", dynamo=False, verbose=False)
    zoo.add_refused("unknown.onnx", f"{VERSION}, layers that Evenkeel has not", "2 nodes do: ")
    zoo.write()


main(sys.argv[1])
