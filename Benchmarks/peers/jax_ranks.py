"""Steps of ResNet-20 on two devices of one thread each, with norms of the whole batch by means over the axis.

Usage: jax_ranks.py FOLDER BATCH STEPS; prints the seconds of the steps.
"""
import os

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2 --xla_cpu_multi_thread_eigen=false"

import sys
import time

import cifar
import common
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec


def parameters():
    offset = 0

    def convolution(inputs, filters, kernel=3):
        nonlocal offset
        count = kernel * kernel * inputs * filters
        values = (2 * common.numbers(offset, count) - 1) * np.sqrt(6 / (kernel * kernel * inputs))
        offset += count
        return {"w": jnp.asarray(values.reshape(kernel, kernel, inputs, filters), jnp.float32),
                "scale": jnp.ones(filters), "shift": jnp.zeros(filters)}

    first, blocks, inputs = convolution(3, 16), [], 16
    for filters in 16, 32, 64:
        for _ in range(3):
            blocks.append([convolution(inputs, filters), convolution(filters, filters)]
                          + ([convolution(inputs, filters, 1)] if inputs != filters else []))
            inputs = filters
    last = jnp.asarray((2 * common.numbers(offset, 640) - 1).reshape(64, 10) * np.sqrt(6 / 64), jnp.float32)
    return {"first": first, "blocks": blocks, "last": last, "bias": jnp.zeros(10)}


def convolved(x, p, stride=1):
    """A convolution and its norm."""
    x = jax.lax.conv_general_dilated(x, p["w"], (stride, stride), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    mean, square = jax.lax.pmean((x.mean((0, 1, 2)), (x * x).mean((0, 1, 2))), "ranks")
    return (x - mean) * jax.lax.rsqrt(square - mean * mean + 1e-5) * p["scale"] + p["shift"]


def loss_of(p, x, labels):
    x = jax.nn.relu(convolved(x, p["first"]))
    for block in p["blocks"]:
        stride = 2 if len(block) == 3 else 1
        shortcut = convolved(x, block[2], stride) if len(block) == 3 else x
        x = jax.nn.relu(shortcut + convolved(jax.nn.relu(convolved(x, block[0], stride)), block[1]))
    logits = jax.nn.log_softmax(x.mean((1, 2)) @ p["last"] + p["bias"])
    return jax.lax.pmean(-jnp.take_along_axis(logits, labels[:, None], 1).mean(), "ranks")


def main(folder, batch, steps):
    mesh = Mesh(np.array(jax.devices()), ("ranks",))
    everyone, by_rows = PartitionSpec(), PartitionSpec("ranks")
    gradient_of = jax.shard_map(jax.value_and_grad(loss_of), mesh=mesh, in_specs=(everyone, by_rows, by_rows),
                                out_specs=(everyone, everyone))

    @jax.jit
    def step(p, velocity, x, labels):
        loss, gradient = gradient_of(p, x, labels)
        velocity = jax.tree.map(lambda v, g: 0.9 * v + g, velocity, gradient)
        return jax.tree.map(lambda p, v: p - 0.1 * v, p, velocity), velocity, loss

    images, labels = cifar.standardized(folder)
    p = jax.device_put(parameters(), NamedSharding(mesh, everyone))
    velocity, times = jax.tree.map(jnp.zeros_like, p), []
    for index in range(steps):
        start = time.perf_counter()
        own = slice(index * batch % (len(images) - batch), index * batch % (len(images) - batch) + batch)
        x, y = jax.device_put((images[own], labels[own]), NamedSharding(mesh, by_rows))
        p, velocity, loss = step(p, velocity, x, y)
        loss.block_until_ready()
        times.append(time.perf_counter() - start)
    print(*times)


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
