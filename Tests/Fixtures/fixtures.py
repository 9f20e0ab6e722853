"""Writes the files of this folder: JSON whose first key names the script and the programs that made it."""
import json
import os

FOLDER = os.path.dirname(os.path.abspath(__file__))


def numbers(values, digits=9):
    """Numbers rounded to this many significant digits, as JSON writes them."""
    return [float(f"{value:.{digits}g}") for value in values]


def text(value, indent=0):
    """JSON with the numbers of a list side by side, in lines of up to 120 columns."""
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        parts = [f"{inner}{json.dumps(key, ensure_ascii=False)}: {text(item, indent + 2)}" for key, item in value.items()]
        return "{\n" + ",\n".join(parts) + "\n" + " " * indent + "}"
    if not isinstance(value, list) or not value:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value[0], (dict, list)):
        return "[\n" + ",\n".join(inner + text(item, indent + 2) for item in value) + "\n" + " " * indent + "]"
    lines = [inner]
    for index, item in enumerate(value):
        part = json.dumps(item) + ("," if index + 1 < len(value) else "")
        if len(lines[-1]) + len(part) > 118 and lines[-1] != inner:
            lines.append(inner)
        lines[-1] += part + " "
    return "[\n" + "\n".join(line.rstrip() for line in lines) + "\n" + " " * indent + "]"


def write(name, script, programs, contents):
    """Writes `contents` to the file `name`, after what made it."""
    made = f"Tests/Fixtures/{os.path.basename(script)} with {programs}"
    with open(os.path.join(FOLDER, name), "w") as file:
        file.write(text({"madeBy": made, **contents}) + "\n")


def write_bytes(name, content):
    """Writes a file, and makes its folder where it is missing."""
    path = os.path.join(FOLDER, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
