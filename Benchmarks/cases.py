"""What is measured: the programs, the cases, and which program takes part in which."""
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
ours = os.path.join(here, ".build/release/evenkeel-bench")


def peer(name, *arguments):
    return [sys.executable, os.path.join(here, "peers", name), *arguments]


PROGRAMS = {
    "Evenkeel": [ours],
    "PyTorch": peer("pytorch.py"),
    "compile": peer("pytorch.py", "compile"),
    "oneDNN": [ours, "onednn"],
    "JAX": peer("jax_peer.py"),
    "ONNX Runtime": peer("onnx_peer.py"),
    "products": [ours, "products"],
}
NETS = [
    ("784-100-100-100-10 sigmoid, 60", "784,100,100,100,10 sigmoid 60"),
    ("784-256-256-10, 128", "784,256,256,10 relu 128"),
    ("784-512-512-512-10, 256", "784,512,512,512,10 relu 256"),
    ("1024-1024×4-10, 1024", "1024,1024,1024,1024,1024,10 relu 1024"),
    ("32-128-128-2, 8192", "32,128,128,2 relu 8192"),
]
IMAGE_NETS = [("lenet, 128", "lenet 128"), ("resnet20, 128", "resnet20 128")]
LAYERS = [
    ("[256, 512]", "256 512"),
    ("[1024, 1024]", "1024 1024"),
    ("[8192, 1024]", "8192 1024"),
    ("[65536, 256]", "65536 256"),
    ("[32, 56, 56, 64]", "100352 64 56 56"),
    ("[128, 28, 28, 64]", "100352 64 28 28"),
    ("[64, 14, 14, 256]", "12544 256 14 14"),
]
PREDICTIONS = [
    ("one row, 784-256-256-10", "predict 784,256,256,10 relu"),
    ("one image, lenet", "image lenet"),
    ("one image, resnet20", "image resnet20"),
]


def groups():
    """Lists of (title, request); those of a list are measured in turn, so that their ratio means something."""
    for kind, nets in (("step", NETS), ("images", IMAGE_NETS)):
        for title, words in nets:
            yield [(f"step {title}", f"{kind} {words} batch float32"),
                   (f"step {title}, without norms", f"{kind} {words} none float32"),
                   (f"step {title}, bfloat16", f"{kind} {words} batch bfloat16")]
    for title, words in LAYERS:
        yield [(f"norm + ReLU {title}", f"layer {words}")]
    for title, words in PREDICTIONS:
        yield [(f"predict {title}", words)]


def takes_part(name, request):
    kind, *words = request.split()
    is_step = kind in ("step", "images")
    is_plain = is_step and words[-2:] == ["batch", "float32"]
    if name == "compile":
        return is_plain or not is_step
    if name == "oneDNN":  # its own primitive, against the norm alone
        return kind == "layer"
    if name == "JAX":  # no images here
        return kind == "predict" or (kind == "step" and is_plain) or (kind == "layer" and len(words) == 2)
    if name == "ONNX Runtime":
        return kind in ("predict", "image")
    if name == "products":  # a step's matrix products alone, by oneDNN's sgemm
        return kind == "step" and is_plain
    return True
