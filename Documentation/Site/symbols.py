"""What the modules offer: their symbols, as the compiler knows them, and whether each is documented."""
import concurrent.futures
import json
import platform

from paths import MODULES, WORK, fail, import_flags, run

# Programs begin with these: each shows in its documentation how it is called.
ENTRY_POINTS = """
BatchNorm Model Network Trainer Trainer.fit Trainer.fitMembers Checkpoint Schedule Augmentation TableRecipe Model.predict
Model.evaluate Model.evaluation Model.folded Model.recalibrate Model.calibrate Model.chooseThreshold Model.importance Model.mean
Model.diagnose Model.writeONNX ModelEnsemble Dataset.idx Dataset.cifar10 Dataset.images Dataset.numpy Dataset.csv Dataset.read
Dataset.digits Network.normalized Network.withoutNormalization RunObserver LossSurface Hessian ONNXImport PageHandler
""".split()
# What the compiler writes, or what says only that a type is written to files.
SYNTHESIZED = {"init(from:)", "encode(to:)", "init(rawValue:)"}


def extract():
    """Writes the symbol graphs, without what fulfills a requirement that is documented where it is made.
    Returns their folder."""
    folder = WORK / "symbols"
    folder.mkdir(parents=True)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(lambda module: extract_module(module, folder), MODULES))
    graphs = {path: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
    for path, graph in graphs.items():
        inherited = {relation["source"] for relation in graph["relationships"] if "sourceOrigin" in relation}
        left_out = {symbol["identifier"]["precise"] for symbol in graph["symbols"] if "docComment" not in symbol and
                    (symbol["names"]["title"] in SYNTHESIZED or symbol["identifier"]["precise"] in inherited)}
        graph["symbols"] = [symbol for symbol in graph["symbols"] if symbol["identifier"]["precise"] not in left_out]
        graph["relationships"] = [relation for relation in graph["relationships"] if relation["source"] not in left_out]
        path.write_text(json.dumps(graph))
    require_documentation([symbol for graph in graphs.values() for symbol in graph["symbols"]])
    return folder


def extract_module(module, folder):
    run("swift", "symbolgraph-extract", "-module-name", module, "-target", f"{platform.machine()}-unknown-linux-gnu",
        "-minimum-access-level", "public", "-skip-synthesized-members", "-output-dir", folder, *import_flags())


def require_documentation(symbols):
    """Every symbol has a sentence, every entry point a listing."""
    faults, listed = [], set()
    for symbol in symbols:
        name = ".".join(symbol["pathComponents"])
        lines = [line["text"].strip() for line in symbol.get("docComment", {}).get("lines", [])]
        if "```swift" in lines:
            listed.add(name.split("(")[0])
        if not next((line for line in lines if line), "").lstrip("-") or lines[0].startswith("- "):
            location = symbol.get("location", {})
            line = location.get("position", {}).get("line", -1) + 1
            faults.append(f"{location.get('uri', '').removeprefix('file://')}:{line}: {name} is not documented.")
    faults += [f"{name} is an entry point and has no listing." for name in ENTRY_POINTS if name not in listed]
    if faults:
        fail("\n".join(["what is public is documented:"] + faults))
