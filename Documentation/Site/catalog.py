"""The catalog that docc reads: the one of the library, and what is made of things that have their home elsewhere."""
import re
import shutil

import commands
from listings import steps
from paths import BUILT, ROOT, WORK, run

LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


def assemble():
    """Returns the catalog's folder."""
    catalog = WORK / "Evenkeel.docc"
    shutil.copytree(ROOT / "Sources/Evenkeel/Evenkeel.docc", catalog)
    resources = catalog / "Resources"
    resources.mkdir(exist_ok=True)
    texts = sorted(ROOT.glob("Documentation/*.md"))
    for path in texts:
        (catalog / path.name).write_text(article(path, resources))
    list_others(catalog / "Evenkeel.md", texts)
    for name, text in commands.articles():
        (catalog / name).write_text(text)
    for tutorial, files in steps():
        for number, file in enumerate(files, 1):
            shutil.copy(file, resources / f"{tutorial}-{number}.swift")
    run(BUILT / "DocumentationFigures", resources)
    return catalog


def list_others(landing, texts):
    """Adds to the landing page the articles that it does not list."""
    text = landing.read_text()
    others = [path.stem for path in texts if f"- <doc:{path.stem}>" not in text]
    if others:
        landing.write_text(text + "\n### More\n\n" + "".join(f"- <doc:{name}>\n" for name in others))


def article(path, resources):
    """A text of the folder Documentation, whose links lead to files, as an article, whose links lead to pages."""
    def link(match):
        image, text, target = match.groups()
        file = (path.parent / target).resolve()
        if image:
            shutil.copy(file, resources / file.name)
            return f"![{text}]({file.name})"
        if "://" in target or not file.is_relative_to(ROOT):
            return match[0]
        return f"[{text}](doc:{file.stem})" if file.parent == path.parent and file.suffix == ".md" else text
    return LINK.sub(link, path.read_text())
