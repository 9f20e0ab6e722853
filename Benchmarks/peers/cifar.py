"""CIFAR-10's first binary batch."""
import gzip
import os

import numpy as np


def standardized(folder):
    """Images (count, height, width, channels), standardized by channel, and their labels."""
    path = os.path.join(folder, "data_batch_1.bin")
    data = gzip.open(path + ".gz").read() if os.path.exists(path + ".gz") else open(path, "rb").read()
    rows = np.frombuffer(data, np.uint8).reshape(-1, 3073)
    images = rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1).astype(np.float32)
    mean, deviation = images.mean((0, 1, 2), dtype=np.float64), images.std((0, 1, 2), dtype=np.float64)
    return ((images - mean) / deviation).astype(np.float32), rows[:, 0].astype(np.int32)
