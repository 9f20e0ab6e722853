"""What is aimed at, for every measured row: one line a target, with what was measured."""
import statistics

from cases import IMAGE_NETS, LAYERS, NETS, PREDICTIONS
from workers import percentile99

LARGE = 8 << 20  # bytes: a tensor that exceeds a processor's share of the last cache
PEERS = ("PyTorch", "compile", "JAX")
# Of each net: at most how many times its products alone, and PyTorch at least how many times ours.
STEPS = {"784-100-100-100-10": (1.2, 4.5), "784-256-256-10": (1.15, 2.8), "784-512-512-512-10": (1.05, 2.6),
         "1024-1024×4-10": (1.05, 2.3), "32-128-128-2": (1.25, 2.6)}


class Targets:
    """The times of each request by program; `lines` gives (what, measured, wanted, reached)."""

    def __init__(self, times):
        self.times = times
        self.lines = []

    def median(self, request, name, of=statistics.median):
        values = self.times.get(request, {}).get(name)
        return of(values) if values else None

    def ratio(self, what, above, below, bound, at_least, of=statistics.median):
        """`above` and `below` are (request, program)."""
        a, b = self.median(*above, of), self.median(*below, of)
        if a is None or b is None:
            return
        value = a / b
        reached = value >= bound if at_least else value <= bound
        self.lines.append((what, f"{value:.2f}", f"{'≥' if at_least else '≤'} {bound}", "yes" if reached else "no"))

    def check(self):
        for title, words in LAYERS:
            self.layer(title, f"layer {words}", [int(n) for n in words.split()])
        for title, words in NETS:
            self.step(title, f"step {words} batch float32", f"step {words} none float32")
        for title, words in IMAGE_NETS:
            self.image_step(title, f"images {words} batch float32", f"images {words} none float32")
        for title, request in PREDICTIONS:
            for name, of in (("median", statistics.median), ("99th percentile", percentile99)):
                self.ratio(f"predict {title}: ONNX Runtime / ours, {name}", (request, "ONNX Runtime"), (request, "Evenkeel"), 1,
                           True, of)
        return self.lines

    def layer(self, title, request, numbers):
        size = 4 * numbers[0] * numbers[1]
        self.ratio(f"norm + ReLU {title}: oneDNN's own / ours", (request, "oneDNN"), (request, "Evenkeel"),
                   1.25 if size > LARGE else 1, True)
        self.ratio(f"norm + ReLU {title}: PyTorch / ours", (request, "PyTorch"), (request, "Evenkeel"),
                   5 if title in ("[8192, 1024]", "[65536, 256]") else 3, True)

    def step(self, title, request, without):
        ours = (request, "Evenkeel")
        products, torch = STEPS[title.split()[0].rstrip(",")]
        self.ratio(f"step {title}: ours / its products alone", ours, (request, "products"), products, False)
        self.ratio(f"step {title}: with / without norms", ours, (without, "Evenkeel"), 1.05, False)
        for name in PEERS:
            self.ratio(f"step {title}: {name} / ours", (request, name), ours, torch if name == "PyTorch" else 1, True)
        self.bfloat16(title, request)

    def bfloat16(self, title, request):
        half = request.replace("float32", "bfloat16")
        self.ratio(f"step {title}, bfloat16: PyTorch / ours", (half, "PyTorch"), (half, "Evenkeel"), 1.2, True)

    def image_step(self, title, request, without):
        ours = (request, "Evenkeel")
        self.ratio(f"step {title}: with / without norms", ours, (without, "Evenkeel"), 1.05, False)
        peers = [name for name in PEERS if self.median(request, name)]
        if peers:
            best = min(peers, key=lambda name: self.median(request, name))
            self.ratio(f"step {title}: best of PyTorch / ours", (request, best), ours, 2.2 if title.startswith("lenet") else 2, True)
        self.bfloat16(title, request)


def traffic(title, note, times):
    """One line on the bytes that a norm's sweeps move, counted, beside what the model of two sweeps forward and two
    backward says (3 and 5 tensors)."""
    moved = note["traffic"]
    megabytes = [moved[key] / 1e6 for key in ("forward", "backward", "modelForward", "modelBackward")]
    rate = (moved["forward"] + moved["backward"]) / statistics.median(times) / 1e6
    cells = " | ".join(f"{value:.1f}" for value in megabytes)
    return f"| {title} | {cells} | {sum(megabytes[:2]) / sum(megabytes[2:]):.2f} | {rate:.0f} |"
