"""The whole exchange of models with other programs, by these programs themselves.

usage: run.py EVENKEEL [--data FOLDER] [--document FILE] [--only imports|exports]
Makes the zoo of foreign ONNX files in a temporary folder, imports each, compares predictions, and trains on; then exports models and
runs them in ONNX Runtime. Prints a line for what disagrees and exits 1 if there is one; else puts the tables into FILE, between its marks.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

import exports
import imports

HERE = pathlib.Path(__file__).resolve().parent
ZOOS = [("zoo_sklearn.py", {}), ("zoo_pytorch.py", {}), ("zoo_keras.py", {"KERAS_BACKEND": "tensorflow"}),
        ("zoo_keras.py", {"KERAS_BACKEND": "torch"})]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("evenkeel")
    parser.add_argument("--data", default=os.environ.get("EVENKEEL_DATA"))
    parser.add_argument("--document")
    parser.add_argument("--only", choices=["imports", "exports"])
    options = parser.parse_args()
    evenkeel = str(pathlib.Path(options.evenkeel).resolve())
    failures, sections = [], {}
    with tempfile.TemporaryDirectory() as folder:
        if options.only != "exports":
            for script, environment in ZOOS:
                made = subprocess.run(
                    [sys.executable, HERE / script, folder], env=os.environ | environment, capture_output=True, text=True)
                if made.returncode:
                    failures.append(f"{script} {environment}: {made.stderr.strip()[-500:]}")
            found = imports.check(evenkeel, folder)
            failures += found.failures
            sections["imports"] = found.table()
        if options.only != "imports":
            found = exports.check(evenkeel, folder, options.data)
            failures += found.failures
            sections["exports"] = found.table()
    print("\n".join(failures) if failures else "all agree")
    if options.document and not failures:
        document = pathlib.Path(options.document)
        text = document.read_text(encoding="utf-8")
        for name, section in sections.items():
            before, rest = text.split(f"<!-- {name} -->\n")
            text = f"{before}<!-- {name} -->\n{section}\n<!-- end of {name} -->" + rest.split(f"<!-- end of {name} -->")[1]
        document.write_text(text, encoding="utf-8")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
