"""Compiles the listings of all texts and the steps of the tutorials, without running them."""
import re

from paths import MODULES, ROOT, WORK, import_flags, run

# What a listing need not declare.
GIVEN = """
network: Network, trainer: Trainer, model given: Model, other: Model, training: Dataset, validation: Dataset, held: Dataset,
test: Dataset, data: Dataset, otherLight: Dataset
"""
DECLARATION = re.compile(r"^(?:public |private |final )*(?:struct|class|enum|protocol|extension|func) ")


def texts():
    yield from sorted([ROOT / "README.md", *ROOT.glob("Documentation/*.md"), *ROOT.glob("Sources/*/*.docc/**/*.md")])


def listings():
    """(file, line of the first line, lines) of every listing of Swift."""
    for path in [*texts(), *sorted(ROOT.glob("Sources/*/**/*.swift"))]:
        code, start = None, 0
        for number, line in enumerate(path.read_text().split("\n"), 1):
            if path.suffix == ".swift":
                comment = re.match(r"\s*/// ?(.*)$", line)
                if not comment:
                    continue
                line = comment[1]
            if code is None and line.strip() == "```swift":
                code, start = [], number + 1
            elif code is not None and line.strip() == "```":
                yield path, start, code
                code = None
            elif code is not None:
                code.append(line)


def split(code):
    """Imports, declarations and statements of a listing, each as (offset, lines)."""
    imports, declarations, statements = set(), [], []
    inside = None
    for offset, line in enumerate(code):
        if line.startswith("import "):
            imports.add(line)
        elif inside is not None:
            inside[1].append(line)
            if line.startswith("}"):
                inside = None
        elif DECLARATION.match(line):
            inside = (offset, [line])
            declarations.append(inside)
            if line.endswith("}"):
                inside = None
        elif statements and statements[-1][0] + len(statements[-1][1]) == offset:
            statements[-1][1].append(line)
        else:
            statements.append((offset, [line]))
    return imports, declarations, statements


def source():
    """One file in which each listing and each step is a function, and keeps its place in the messages of the compiler; with how many
    there are of each."""
    imports, outer, functions, count = {f"import {module}" for module in MODULES}, [], [], 0
    for path, start, code in listings():
        own, declarations, statements = split(code)
        imports |= own
        count += 1

        def placed(parts):
            return [text for offset, lines in parts
                    for text in [f'#sourceLocation(file: "{path}", line: {start + offset})', *lines, "#sourceLocation()"]]
        outer += placed(declarations)
        functions += [f"func listing{count}({' '.join(GIVEN.split())}) async throws {{", "var model = given", "do {", *placed(statements), "}", "_ = model", "}"]
    files = [file for _, group in steps() for file in group[:-1]]
    for number, file in enumerate(files):
        lines = file.read_text().rstrip("\n").split("\n")
        imports |= {line for line in lines if line.startswith("import ")}
        body = ["" if line.startswith("import ") else line for line in lines]
        functions += [f"func step{number}() throws {{", f'#sourceLocation(file: "{file}", line: 1)', *body, "#sourceLocation()", "}"]
    return "\n".join([*sorted(imports), *outer, *functions]) + "\n", (count, len(files))


def steps():
    """Every file of a tutorial, in order: the last is the program itself."""
    for folder in sorted((ROOT / "Examples/Tutorials").iterdir()):
        yield folder.name, [*sorted((folder / "Steps").glob("*.swift")), folder / "main.swift"]


def compile_all():
    """Returns how many listings and how many steps there are."""
    text, counts = source()
    path = WORK / "Listings.swift"
    path.write_text(text)
    # Texts name the layers of the examples.
    layers = sorted((ROOT / "Examples/Layers/Sources").glob("**/*.swift"))
    run("swiftc", "-typecheck", "-swift-version", "6", "-suppress-warnings", "-module-name", "Listings", *import_flags(), path, *layers)
    return counts
