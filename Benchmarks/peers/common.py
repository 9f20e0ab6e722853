"""What the peers share: the fixed sequence of numbers, the data, and the loop that answers run.py."""
import json
import sys
import time

import numpy as np

BLOCK_SECONDS = 0.4


def integers(text):
    return [int(n) for n in text.split(",")]


def numbers(start, count):
    """Numbers start ..< start + count of a fixed sequence in [0, 1); the Evenkeel side has the same."""
    h = np.arange(start, start + count, dtype=np.uint64).astype(np.uint32)
    for _ in range(2):
        h = (h ^ (h >> np.uint32(16))) * np.uint32(0x45D9F3B)
    h ^= h >> np.uint32(16)
    return ((h >> np.uint32(8)).astype(np.float64) * 2.0**-24).astype(np.float32)


def weights(widths):
    """Matrices [outputs, inputs] of every layer."""
    result, offset = [], 0
    for inputs, outputs in zip(widths, widths[1:]):
        count = inputs * outputs
        scale = np.sqrt(np.float32(6) / np.float32(inputs))
        result.append(((2 * numbers(offset, count) - 1) * scale).reshape(outputs, inputs))
        offset += count
    return result


def batch(rows, width, classes):
    """Standardized rows and their labels."""
    x = numbers(1_000_003, rows * width).reshape(rows, width).astype(np.float64)
    x = (x - x.mean(0)) / x.std(0)
    return x.astype(np.float32), np.arange(rows) % classes


def layer_input(rows, features):
    count = rows * features
    return (numbers(0, count).reshape(rows, features), numbers(count, count).reshape(rows, features) - np.float32(0.5))


def timed(body):
    times, end = [], time.perf_counter() + BLOCK_SECONDS
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        body()
        times.append(1e3 * (time.perf_counter() - start))
    return times


def images(rows, shape, classes=10):
    """Images (rows, height, width, channels), standardized by channel, and their labels."""
    x = numbers(1_000_003, rows * shape[0] * shape[1] * shape[2]).reshape(rows, *shape).astype(np.float64)
    x = (x - x.mean((0, 1, 2))) / x.std((0, 1, 2))
    return x.astype(np.float32), np.arange(rows) % classes


def serve(**kinds):
    """Answers requests; each function takes the words behind its name and gives the numbers to check and a body to time."""
    prepared = {}
    for request in sys.stdin:
        if request not in prepared:
            kind, *words = request.split()
            prepared[request] = kinds[kind](*words)
            for _ in range(3):  # compilation and first touches are not timed
                prepared[request][1]()
        check, body = prepared[request]
        print(json.dumps({"times": timed(body), "check": check}), flush=True)
