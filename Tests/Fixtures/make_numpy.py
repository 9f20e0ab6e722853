"""Makes Tests/Fixtures/numpy: small NPY and NPZ files as NumPy writes them.

Run with NumPy 2: python3 Tests/Fixtures/make_numpy.py
"""
import io
import zipfile

import numpy as np

from fixtures import write_bytes


class Stream(io.RawIOBase):
    """A pipe: it cannot seek, so that zipfile writes data descriptors."""

    def __init__(self):
        self.content = b""

    def writable(self):
        return True

    def write(self, data):
        self.content += bytes(data)
        return len(data)


def npy(array, version=None):
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asanyarray(array), version=version)
    return file.getvalue()


def npz(write=np.savez, file=None, **arrays):
    file = file or io.BytesIO()
    write(file, **arrays)
    return file.content if isinstance(file, Stream) else file.getvalue()


files = {}
# [3, 2] of 0, 1, 2, 3, 100, 1 in every type.
for name in "b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8".split():
    files[name] = npy(np.array([[0, 1], [2, 3], [100, 1]]).astype("<" + name))
for name in "i2 u4 i8 f2 f4 f8".split():
    files["big " + name] = npy(np.array([[0, 1], [2, 3], [100, 1]]).astype(">" + name))
files["version 2"] = npy(np.array([[0, 1], [2, 3], [100, 1]], dtype="f4"), (2, 0))
files["version 3"] = npy(np.array([[0, 1], [2, 3], [100, 1]], dtype="f4"), (3, 0))
# [2, 3, 2] of 0 to 11 in C order and in Fortran order.
cube = np.arange(12, dtype="f4").reshape(2, 3, 2)
files["cube"] = npy(cube)
files["fortran cube"] = npy(np.asfortranarray(cube))
files["fortran"] = npy(np.asfortranarray(np.array([[0, 1], [2, 3], [100, 1]], dtype="f4")))
# A table of eight rows: a number, the class, another number.
table = np.array([[0.5 * i, [3, 7][i % 2], -i] for i in range(8)])
files["table"] = npy(table)
for name, value in (("scalar", np.float32(3)), ("text", np.array(["a", "b"])), ("bytes", np.array([b"a", b"b"])),
                    ("complex", np.zeros((2, 2), "c16")), ("times", np.zeros(2, "M8[s]")),
                    ("records", np.zeros(2, [("a", "f4"), ("b", "i4")])), ("objects", np.array([[1], None], dtype=object)),
                    ("empty", np.zeros((0, 3))), ("no columns", np.zeros((3, 0)))):
    files[name] = npy(value)

x = np.arange(16, dtype="u1").reshape(4, 2, 2)
y = np.array([0, 2, 1, 0])
parts = dict(x_train=x, y_train=y, x_test=x[:2] + 100, y_test=np.array([2, 1]))
files["stored"] = npz(**parts)
files["deflated"] = npz(np.savez_compressed, **parts)
files["streamed"] = npz(np.savez_compressed, Stream(), **parts)
limit, zipfile.ZIP64_LIMIT = zipfile.ZIP64_LIMIT, 0  # as beyond 2 GiB
files["zip64"] = npz(**parts)
zipfile.ZIP64_LIMIT = limit

for name, content in files.items():
    kind = "npz" if content.startswith(b"PK") else "npy"
    write_bytes(f"numpy/{name.replace(' ', '_')}.{kind}", content)
