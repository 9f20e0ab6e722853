"""Prepares a drawing as MNIST's were, with matrices of numpy: prepare_digit.py INK prints the 28 × 28 values as JSON.

INK is a file of 280 × 280 bytes, 0 for paper to 255 for ink.
"""
import json
import sys

import numpy as np


def averaging(length, count):
    """The matrix that takes `length` pixels to `count` means over even parts."""
    edges = np.linspace(0, length, count + 1)
    pixels = np.arange(length)
    covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.clip(covered, 0, None) * count / length


ink = np.frombuffer(open(sys.argv[1], "rb").read(), np.uint8).reshape(280, 280).astype(float)
rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
box = ink[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]
scale = 20 / max(box.shape)
height, width = (max(1, int(np.floor(side * scale + 0.5))) for side in box.shape)
small = averaging(box.shape[0], height) @ box @ averaging(box.shape[1], width).T
mass = small.sum()
center = (small.sum(1) @ np.arange(height) / mass, small.sum(0) @ np.arange(width) / mass)
top, left = (min(max(0, int(np.floor(13.5 - c + 0.5))), 28 - side) for c, side in zip(center, small.shape))
result = np.zeros((28, 28))
result[top:top + height, left:left + width] = np.floor(small + 0.5)
print(json.dumps(result.ravel().tolist()))
