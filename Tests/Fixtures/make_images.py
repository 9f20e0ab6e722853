"""Makes Tests/Fixtures/images: small PNG and JPEG files, and image_pixels.json, the pixels of the JPEG files.

Run with Pillow 13: python3 Tests/Fixtures/make_images.py
All images but one are 6 x 5 pixels; those of PNG have value(y, x, c), which the tests compute again.
"""
import io
import struct
import zlib

import PIL
from PIL import Image

from fixtures import write, write_bytes

HEIGHT, WIDTH = 5, 6
ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]


def value(y, x, c):
    return (37 * y + 11 * x + 61 * c + 5) % 256


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(kind, pixel, depth=8, interlaced=False, size=(WIDTH, HEIGHT), promised=None, extra=b""):
    """kind: PNG's color type; pixel(y, x) gives the bytes of a pixel, or its bit where depth is 1; promised: the size
    in the header."""
    def lines(ys, xs):
        for y in ys:
            pixels = [pixel(y, x) for x in xs]
            if depth == 1:
                bits = "".join(map(str, pixels)).ljust(-(-len(pixels) // 8) * 8, "0")
                yield b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")
            elif pixels:
                yield b"\0" + b"".join(map(bytes, pixels))
    passes = ADAM7 if interlaced else [(0, 0, 1, 1)]
    content = b"".join(b"".join(lines(range(y, size[1], dy), range(x, size[0], dx))) for y, x, dy, dx in passes)
    header = struct.pack(">IIBBBBB", *(promised or size), depth, kind, 0, 0, interlaced)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(content, 9)) +
            chunk(b"IEND", b""))


def gray(y, x):
    return [value(y, x, 0)]


def color(y, x):
    return [value(y, x, c) for c in range(3)]


def wide(y, x):
    return b"".join(struct.pack(">H", 256 * v + (91 * v + 50 * c) % 256) for c, v in enumerate(color(y, x)))


def jpeg(mode, **options):
    image = Image.new(mode, (WIDTH, HEIGHT))
    # Smooth, so that compression keeps the pixels distinct.
    image.putdata([tuple(60 + 25 * y + 8 * x + 10 * c for c in range(len(mode))) if len(mode) > 1 else 60 + 25 * y + 8 * x
                   for y in range(HEIGHT) for x in range(WIDTH)])
    stream = io.BytesIO()
    image.save(stream, "JPEG", **options)
    return stream.getvalue()


alphas = [0, 255, 128, 64, 255, 1]
files = {
    "gray.png": png(0, gray),
    "color.png": png(2, color),
    "interlaced.png": png(2, color, interlaced=True),
    "palette.png": png(3, lambda y, x: [(y + x) % 4], extra=chunk(b"PLTE", bytes(v for i in range(4) for v in color(i, 0)))),
    "bit.png": png(0, lambda y, x: (y + x) % 2, depth=1),
    "sixteen_bit.png": png(2, wide, depth=16),
    "transparent.png": png(6, lambda y, x: color(y, x) + [alphas[x]]),
    "transparent_gray.png": png(4, lambda y, x: gray(y, x) + [alphas[x]]),
    "huge.png": png(2, color, promised=(65536, 65536)),
    "four.png": png(0, gray, size=(4, 4)),
    "gray.jpg": jpeg("L", quality=95),
    "color.jpg": jpeg("RGB", quality=95, subsampling=0),
    "progressive.jpg": jpeg("RGB", quality=95, subsampling=0, progressive=True),
    "cmyk.jpg": jpeg("CMYK", quality=95),
}


for name, content in files.items():
    write_bytes("images/" + name, content)
# What Pillow reads: height, width and channels last.
write("image_pixels.json", __file__, "Pillow " + PIL.__version__, {"pixels": {
    name: list(Image.open(io.BytesIO(content)).tobytes())
    for name, content in files.items() if name in ("gray.jpg", "color.jpg", "progressive.jpg")}})
