"""Makes Tests/Fixtures/embeddings.json: what scikit-learn, rtdl_num_embeddings and tabm make of the same numbers and weights.

Run with scikit-learn 1.7, PyTorch 2.13 (CPU), rtdl_num_embeddings 0.0.12 and tabm 0.0.3:
python3 Tests/Fixtures/make_embeddings.py
Inputs and weights are sines of their index, so that the test can make the same. All is in double.
"""
import math
from importlib.metadata import version

import numpy as np
import rtdl_num_embeddings
import sklearn
import tabm
import torch
from sklearn.preprocessing import QuantileTransformer, RobustScaler
from torch import nn

from fixtures import numbers, write

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


def wave(count, step, size, shift=0.0):
    return torch.tensor([size * math.sin(step * (i + 1)) + shift for i in range(count)], dtype=torch.float32).double()


def flat(tensor):
    return numbers(tensor.detach().reshape(-1).tolist())


# ---- Transforms ------------------------------------------------------------------------------------------------------

def columns(rows):
    """Without ties, with ties in the middle (its outermost values are alone), and with long tails.

    No two values are so near each other that a float would tell their places apart by few digits.
    """
    places = np.arange(rows) * 37 % rows / rows * 2 - 1
    tied = np.clip(np.round(wave(rows, 1.3, 3).numpy()), -1, 1)
    tied[[3, 8]] = [-5, 5]
    return np.stack([2 * places + 1, tied, places * (1 + 4 * places**2)], 1).astype(np.float32).astype(np.float64)


def transforms():
    rows = 900
    x = columns(rows)
    probes = np.concatenate([x[:60], np.array([[-9, -9, -99], [9, 9, 99], [0.5, 0, 1], [-0.5, 0.5, 0.25]])])
    quantile = QuantileTransformer(
        n_quantiles=max(10, min(rows // 30, 1000)), output_distribution="normal", subsample=None).fit(x)
    scaled = RobustScaler().fit(x).transform(probes)
    return {
        "rows": rows, "values": flat(torch.tensor(x)), "probes": flat(torch.tensor(probes)),
        "quantile": flat(torch.tensor(quantile.transform(probes))),
        "robust": flat(torch.tensor(scaled / np.sqrt(1 + (scaled / 3) ** 2)))}


# ---- Embeddings ------------------------------------------------------------------------------------------------------

def fill(tensors):
    """Waves whose steps differ: the test does the same, tensor by tensor."""
    with torch.no_grad():
        for index, (tensor, size) in enumerate(tensors):
            tensor.copy_(wave(tensor.numel(), 1.1 + 0.2 * index, size).reshape(tensor.shape))


def stored(weight, bins):
    """The weights of PiecewiseLinearEmbeddings in order: it keeps those of each feature's last bin at the end."""
    result = torch.zeros_like(weight)
    for feature, edges in enumerate(bins):
        used = len(edges) - 1
        result[feature, :used - 1] = weight[feature, :used - 1]
        result[feature, used - 1] = weight[feature, -1]
    return result


def as_library(weight, bins):
    """The other way round."""
    result = torch.zeros_like(weight)
    for feature, edges in enumerate(bins):
        used = len(edges) - 1
        result[feature, :used - 1] = weight[feature, :used - 1]
        result[feature, -1] = weight[feature, used - 1]
    return result


def unique_quantiles(x, bins):
    return [torch.tensor(np.unique(np.quantile(x[:, i].numpy(), np.linspace(0, 1, bins + 1)))) for i in range(x.shape[1])]


def table(rows):
    """Three standardized features: the second has few values, so that some of its quantiles are the same."""
    x = torch.stack([wave(rows, 0.7, 1), torch.round(wave(rows, 1.3, 1.4)), wave(rows, 1.9, 2, 3)], 1)
    return (x - x.mean(0)) / x.std(0, unbiased=False)


def through(module, x, inputs):
    """The module's vectors of three features, and the gradients for a given one of the output."""
    probes = inputs.clone().requires_grad_()
    y = module(probes).flatten(1)
    y.backward(wave(y.numel(), 1.9, 1).reshape(y.shape))
    return y, probes.grad


BINS, WIDTH = 6, 5


def piecewise():
    x = table(48)
    bins = unique_quantiles(x, BINS)
    module = rtdl_num_embeddings.PiecewiseLinearEmbeddings(bins, WIDTH, activation=False, version="B")
    module.double()
    most = module.linear.weight.shape[1]
    weight = torch.zeros(3, BINS, WIDTH)
    fill([(weight, 0.5), (module.linear0.weight, 0.5), (module.linear0.bias, 0.5)])
    with torch.no_grad():
        module.linear.weight.copy_(as_library(weight[:, :most], bins))
    inputs = torch.cat([1.3 * wave(60, 0.9, 2).reshape(20, 3), torch.tensor([[-9.0, 9.0, -5.0], [9.0, -9.0, 5.0]])])
    y, dx = through(module, x, inputs)
    gradient = torch.zeros(3, BINS, WIDTH)
    gradient[:, :most] = stored(module.linear.weight.grad, bins)
    edges = [torch.cat([e, e[-1].repeat(BINS + 1 - len(e))]) for e in bins]
    return {
        "edges": flat(torch.stack(edges)), "inputs": flat(inputs), "y": flat(y), "dx": flat(dx),
        "gradients": [flat(g) for g in (gradient, module.linear0.weight.grad, module.linear0.bias.grad)]}


def periodic():
    module = rtdl_num_embeddings.PeriodicEmbeddings(3, WIDTH, n_frequencies=7, frequency_init_scale=0.1, lite=False)
    module.double()
    fill([(module.periodic.weight, 0.8), (module.linear.weight, 0.5), (module.linear.bias, 0.5)])
    inputs = 1.3 * wave(60, 0.9, 2).reshape(20, 3)
    y, dx = through(module, None, inputs)
    return {
        "inputs": flat(inputs), "y": flat(y), "dx": flat(dx),
        "gradients": [
            flat(g) for g in (module.periodic.weight.grad, module.linear.weight.grad, module.linear.bias.grad)]}


# ---- TabM-mini -------------------------------------------------------------------------------------------------------

MEMBERS, UNITS = 4, 8


def ensemble(outputs):
    """A TabM-mini whose loss is the mean of its members', ten steps of gradient descent with all rows."""
    x = table(48)
    bins = unique_quantiles(x, BINS)
    model = tabm.TabM.make(
        n_num_features=3, d_out=outputs, n_blocks=2, d_block=UNITS, dropout=0.0, k=MEMBERS, arch_type="tabm-mini",
        num_embeddings=rtdl_num_embeddings.PiecewiseLinearEmbeddings(bins, WIDTH, activation=False, version="B"))
    model.double()
    embedding = model.num_module
    adapter = dict(model.named_parameters())
    names = [n for n in adapter if n.startswith("backbone") and n.endswith("affine.weight") or "adapter" in n]
    assert len(names) == 1, list(adapter)
    linear = [m for m in model.backbone.modules() if isinstance(m, nn.Linear)]
    assert len(linear) == 2
    weight = torch.zeros(3, BINS, WIDTH)
    head = torch.zeros(MEMBERS, outputs, UNITS)
    fill([
        (weight, 0.5), (embedding.linear0.weight, 0.5), (embedding.linear0.bias, 0.5), (adapter[names[0]], 1),
        (linear[0].weight, 0.5), (linear[0].bias, 0.5), (linear[1].weight, 0.5), (linear[1].bias, 0.5), (head, 0.5),
        (model.output.bias, 0.5)])
    with torch.no_grad():
        embedding.linear.weight.copy_(as_library(weight[:, :embedding.linear.weight.shape[1]], bins))
        model.output.weight.copy_(head.transpose(1, 2))
    labels = torch.tensor([i % 3 for i in range(48)])
    values = wave(48, 2.3, 1)
    values = (values - values.mean()) / values.std(unbiased=False)

    def predict():
        with torch.no_grad():
            y = model(x)
            return flat(y.softmax(-1).mean(1) if outputs > 1 else y.mean(1))

    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses, before = [], predict()
    for _ in range(10):
        optimizer.zero_grad()
        y = model(x).flatten(0, 1)
        if outputs > 1:
            loss = nn.functional.cross_entropy(y, labels.repeat_interleave(MEMBERS))
        else:
            loss = nn.functional.mse_loss(y.squeeze(1), values.repeat_interleave(MEMBERS))
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return {"before": before, "losses": numbers(losses), "after": predict()}


programs = ", ".join([
    "scikit-learn " + sklearn.__version__, "PyTorch " + torch.__version__.split("+")[0],
    *(name + " " + version(name) for name in ("rtdl_num_embeddings", "tabm"))])
write("embeddings.json", __file__, programs, {
    "transforms": transforms(), "piecewise": piecewise(), "periodic": periodic(),
    "classes": ensemble(3), "values": ensemble(1)})
