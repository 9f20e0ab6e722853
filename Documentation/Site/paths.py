"""Where things lie, and how Swift finds the modules that are built."""
import glob
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILT = ROOT / ".build/release"
WORK = ROOT / ".build/documentation"
SITE = ROOT / ".build/site"
MODULES = ["Evenkeel", "EvenkeelLab", "EvenkeelONNX", "EvenkeelServer"]


def fail(message):
    sys.exit(f"error: {message}")


def require_build():
    """The modules of the library and the programs that the site is made of."""
    missing = [f"Modules/{module}.swiftmodule" for module in MODULES if not (BUILT / f"Modules/{module}.swiftmodule").exists()]
    missing += [name for name in ["evenkeel", "DocumentationFigures"] if not (BUILT / name).exists()]
    if missing:
        fail(f"{BUILT}: {', '.join(missing)} missing; make documentation builds them.")


def import_flags():
    """What a compiler needs to import the modules: they name those of C that they stand on."""
    maps = [path for pattern in ("Sources/*/module.modulemap", ".build/release/*.build/module.modulemap",
                                 ".build/checkouts/*/Sources/*/include/module.modulemap",
                                 ".build/checkouts/GRDB.swift/Sources/*/module.modulemap")
            for path in sorted(glob.glob(str(ROOT / pattern)))]
    return ["-I", str(BUILT / "Modules")] + [flag for path in maps for flag in ("-Xcc", f"-fmodule-map-file={path}")]


def run(*command, **options):
    """Runs a program; what it says is printed only if it fails.
    Returns its standard output."""
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if result.returncode:
        fail(f"{pathlib.Path(str(command[0])).name} failed with {result.returncode}:\n{result.stdout}{result.stderr}")
    return result.stdout
