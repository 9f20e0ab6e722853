"""One article for each command, from what its parser says of itself."""
import json
import re

from paths import BUILT, run


def articles():
    """File names and texts; the first is the article that lists the others."""
    root = json.loads(run(BUILT / "evenkeel", "--experimental-dump-help"))["command"]
    found = list(below(root))
    lists = [f"- <doc:{file_name(command)}>" for command in found if len(path(command)) == 2]
    yield "Commands.md", "\n".join(
        ["# Commands and options", "", "Every command of `evenkeel` with all of its options, as its own help lists them.", "",
         "<doc:Command> describes what the options mean together.", "", "## Topics", "", "### Commands", ""] + lists) + "\n"
    for command in found:
        yield file_name(command) + ".md", article(command)


def below(command):
    for child in command.get("subcommands", []):
        if child["commandName"] == "help":
            continue
        yield child
        yield from below(child)


def path(command):
    return command.get("superCommands", []) + [command["commandName"]]


def file_name(command):
    return "-".join(path(command))


def article(command):
    lines = [f"# {' '.join(path(command))}", "", sentence(command.get("abstract", "")), ""]
    if command.get("discussion"):
        lines += [paragraphs(command["discussion"]), ""]
    arguments = [argument for argument in command.get("arguments", [])
                 if argument.get("shouldDisplay", True) and argument.get("valueName") not in ("help", "version")]
    lines += ["## Usage", "", "```", usage(command, arguments), "```", ""]
    groups = {}
    for argument in arguments:
        title = argument.get("sectionTitle") or ("Arguments" if argument["kind"] == "positional" else "Options")
        groups.setdefault(title, []).append(argument)
    for title, group in groups.items():
        lines += [f"## {title.capitalize() if title.isupper() else title}", ""]
        for argument in group:
            lines += [f"- term `{spelling(argument)}`: {meaning(argument)}"]
        lines.append("")
    children = [child for child in command.get("subcommands", []) if child["commandName"] != "help"]
    if children:
        lines += ["## Topics", "", "### Commands", ""] + [f"- <doc:{file_name(child)}>" for child in children] + [""]
    return "\n".join(lines)


def usage(command, arguments):
    words = [spelling(argument) for argument in arguments if argument["kind"] == "positional"]
    options = ["[OPTIONS]"] if any(argument["kind"] != "positional" for argument in arguments) else []
    child = ["COMMAND"] if command.get("subcommands") and not words else []
    return " ".join(path(command) + words + child + options)


def spelling(argument):
    value = argument.get("valueName", "value").upper().replace("-", "_")
    if argument["kind"] == "positional":
        word = value + ("…" if argument.get("isRepeating") else "")
        return f"[{word}]" if argument.get("isOptional") else word
    dashes = {"long": "--", "short": "-", "longWithSingleDash": "-"}
    names = ", ".join(dashes[name["kind"]] + name["name"] for name in argument["names"])
    return names if argument["kind"] == "flag" else f"{names} {value}"


def meaning(argument):
    parts = [sentence(argument.get("abstract", ""))]
    if argument.get("discussion"):
        parts.append(paragraphs(argument["discussion"]))
    if argument.get("allValues") and argument.get("defaultValue") not in ("true", "false"):
        parts.append("One of " + ", ".join(f"`{value}`" for value in argument["allValues"]) + ".")
    if argument.get("defaultValue") not in (None, "", "false"):
        parts.append(f"Default: `{argument['defaultValue']}`.")
    return " ".join(part for part in parts if part) or "See above."


def sentence(text):
    text = paragraphs(text)
    return text if not text or text[-1] in ".!?:" else text + "."


def paragraphs(text):
    """The help's text as Markdown: what Markdown would take for its own is escaped, and options are code."""
    text = " ".join(text.split()).replace("\\", "\\\\").replace("*", "\\*").replace("_", "\\_").replace("<", "&lt;")
    return re.sub(r"(?<![\w-])(--[a-z][\w=-]*)", r"`\1`", text)
