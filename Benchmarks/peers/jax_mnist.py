"""784-256-256-10 with batch norm on the four IDX files of a folder: Adam 1e-3, batch 128, five epochs, a stored model."""
import gzip
import os
import sys

import jax
import jax.numpy as jnp
import numpy as np

folder, output = sys.argv[1:]


def idx(name, header):
    path = os.path.join(folder, name)
    data = gzip.open(path + ".gz").read() if os.path.exists(path + ".gz") else open(path, "rb").read()
    return np.frombuffer(data, np.uint8, offset=header)


def part(name):
    return idx(name + "-images-idx3-ubyte", 16).reshape(-1, 784), idx(name + "-labels-idx1-ubyte", 8).astype(np.int32)


random = np.random.default_rng(1)
sizes = [784, 256, 256, 10]
p = {"w": [jnp.asarray(random.normal(0, (2 / a) ** 0.5, (a, b)).astype(np.float32)) for a, b in zip(sizes, sizes[1:])],
     "scale": [jnp.ones(256)] * 2, "shift": [jnp.zeros(256)] * 2, "bias": jnp.zeros(10)}
running = [(jnp.zeros(256), jnp.ones(256))] * 2


def forward(p, running, x, training):
    fresh = []
    for w, scale, shift, (mean, variance) in zip(p["w"], p["scale"], p["shift"], running):
        x = x @ w
        if training:
            m, v = x.mean(0), x.var(0)
            fresh.append((0.9 * mean + 0.1 * m, 0.9 * variance + 0.1 * v * len(x) / (len(x) - 1)))
            mean, variance = m, v
        x = jax.nn.relu((x - mean) * jax.lax.rsqrt(variance + 1e-5) * scale + shift)
    return x @ p["w"][-1] + p["bias"], fresh


def loss_of(p, running, x, labels):
    logits, fresh = forward(p, running, x, True)
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1).mean(), fresh


@jax.jit
def step(p, first, second, running, x, labels, t):
    (_, running), g = jax.value_and_grad(loss_of, has_aux=True)(p, running, x, labels)
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, g)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, g)
    p = jax.tree.map(lambda p, m, v: p - 1e-3 * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8),
                     p, first, second)
    return p, first, second, running


images, labels = part("train")
values = images.astype(np.float32)
mean, deviation = values.mean(), values.std()
values = (values - mean) / deviation
first, second = (jax.tree.map(jnp.zeros_like, p) for _ in range(2))
t = 0
for _ in range(5):
    order = random.permutation(len(values))
    for start in range(0, len(values), 128):
        chosen = order[start:start + 128]
        t += 1
        p, first, second, running = step(p, first, second, running, values[chosen], labels[chosen], float(t))
images, labels = part("t10k")
logits, _ = forward(p, running, (images.astype(np.float32) - mean) / deviation, False)
np.savez(output, *jax.tree.leaves((p, running)))
print(f"accuracy {float((logits.argmax(1) == labels).mean()):.4f}")
