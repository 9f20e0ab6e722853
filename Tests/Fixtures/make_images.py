"""Makes Tests/Fixtures/images: small PNG, JPEG and WebP files, and image_pixels.json, what Pillow makes of them.

Run with Pillow 13: python3 Tests/Fixtures/make_images.py
All images but one are 6 x 5 pixels; those of PNG have value(y, x, c), which the tests compute again.
"""
import io
import struct
import zlib

import PIL
from PIL import Image, ImageOps

from fixtures import write, write_bytes

HEIGHT, WIDTH = 5, 6
FORMS = {"fit": ImageOps.pad, "crop": ImageOps.fit, "stretch": Image.Image.resize}
# Smaller, larger, of the same proportions, of others, in one direction only.
SIZES = [(3, 3), (16, 8), (23, 5), (12, 10), (7, 31)]
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


def exif(orientation, kind=3, order="<"):
    """A TIFF header and a directory of two entries, the second one how the camera was held."""
    number = {3: "H2x", 4: "I"}[kind]
    entries = (struct.pack(order + "HHII", 0x0100, 4, 1, 77) + struct.pack(order + "HHI", 0x0112, kind, 1) +
               struct.pack(order + number, orientation))
    return (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, 2) + entries + bytes(4)


def webp(mode, **options):
    stream = io.BytesIO()
    Image.open(io.BytesIO(files["photo.png"])).convert(mode).save(stream, "WEBP", **options)
    return stream.getvalue()


def photo(y, x):
    """A picture without symmetry, larger than the others."""
    return [(3 * x * x + 5 * y + 40 * c) % 256 if (x // 5 + y // 7) % 2 else 255 - 9 * x for c in range(3)]


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
    "transparent_palette.png": png(3, lambda y, x: [(y + x) % 4], extra=chunk(b"PLTE", bytes(
        v for i in range(4) for v in color(i, 0))) + chunk(b"tRNS", bytes([0, 128, 255]))),
    "sixteen_bit_gray.png": png(0, lambda y, x: wide(y, x)[:2], depth=16),
    "gamma.png": png(2, color, extra=chunk(b"gAMA", struct.pack(">I", 100000))),
    "photo.png": png(2, photo, size=(24, 20)),
    "huge.png": png(2, color, promised=(65536, 65536)),
    "four.png": png(0, gray, size=(4, 4)),
    "gray.jpg": jpeg("L", quality=95),
    "color.jpg": jpeg("RGB", quality=95, subsampling=0),
    "progressive.jpg": jpeg("RGB", quality=95, subsampling=0, progressive=True),
    "cmyk.jpg": jpeg("CMYK", quality=95),
}
files["lossy.webp"] = webp("RGB", quality=80, method=4)
files["lossless.webp"] = webp("RGB", lossless=True, exif=b"Exif\0\0" + exif(8))
files["transparent.webp"] = webp("RGBA", lossless=True)
files["animation.webp"] = webp("RGB", lossless=True, save_all=True, append_images=[Image.new("RGB", (24, 20))])
for number in range(1, 9):
    files[f"turned_{number}.jpg"] = jpeg("RGB", quality=95, subsampling=0, exif=b"Exif\0\0" + exif(
        number, kind=4 if number == 7 else 3, order=">" if number % 2 else "<"))
files["turned.png"] = png(2, photo, size=(24, 20), extra=chunk(b"eXIf", exif(6, order=">")))


def opened(name):
    """As Pillow reads the file, upright, in gray or color."""
    image = Image.open(io.BytesIO(files[name]))
    mode = "L" if image.mode in ("1", "L", "LA") else "RGB"
    return ImageOps.exif_transpose(image).convert(mode)


def pixels(image):
    """Height, width and channels last."""
    return list(image.tobytes())


# Pillow cuts gray of 16 bits off at 255; what is damaged or an animation is an error here.
unread = ("sixteen_bit_gray.png", "huge.png", "four.png", "animation.webp")
for name, content in files.items():
    write_bytes("images/" + name, content)
write("image_pixels.json", __file__, "Pillow " + PIL.__version__, {
    "pixels": {name: {"size": list(opened(name).size), "values": pixels(opened(name))}
               for name in files if name not in unread},
    "gray": pixels(opened("photo.png").convert("L")),
    "resized": [{"form": form, "size": list(size),
                 "values": pixels(resize(opened("photo.png"), size, Image.Resampling.BILINEAR))}
                for form, resize in FORMS.items() for size in SIZES]})
