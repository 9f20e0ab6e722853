"""That the checks of the site find what is wrong."""
import pathlib
import tempfile
import unittest

import browser
import commands
import listings
import symbols

PAGE = "<!DOCTYPE html><meta name=viewport content='width=device-width'><div id=app><main>{}</main></div>"


class SymbolTests(unittest.TestCase):
    def faults(self, *symbols_):
        with self.assertRaises(SystemExit) as failure:
            symbols.require_documentation([{"pathComponents": name.split("."), "docComment": {"lines": [
                {"text": line} for line in lines]}} for name, lines in symbols_])
        return str(failure.exception)

    def test_a_symbol_without_a_sentence_is_named(self):
        faults = self.faults(("Model.one", []), ("Model.two", ["- Throws: An error."]), ("Model.three", ["A sentence."]))
        self.assertIn("Model.one is not documented", faults)
        self.assertIn("Model.two is not documented", faults)
        self.assertNotIn("Model.three", faults)

    def test_an_entry_point_without_a_listing_is_named(self):
        faults = self.faults(("Model", ["A model."]), ("Network", ["A network.", "```swift", "```"]))
        self.assertIn("Model is an entry point and has no listing", faults)
        self.assertNotIn("Network is an entry point", faults)


class ListingTests(unittest.TestCase):
    def test_declarations_and_imports_are_parted_from_statements(self):
        code = ["import Evenkeel", "let a = 1", "struct S {", "  let b = 2", "}", "print(a)"]
        imports, declarations, statements = listings.split(code)
        self.assertEqual(imports, {"import Evenkeel"})
        self.assertEqual(declarations, [(2, ["struct S {", "  let b = 2", "}"])])
        self.assertEqual(statements, [(1, ["let a = 1"]), (5, ["print(a)"])])


class CommandTests(unittest.TestCase):
    def test_an_article_has_every_argument_that_is_shown(self):
        text = commands.article({
            "commandName": "train", "superCommands": ["evenkeel"], "abstract": "Trains a model", "arguments": [
                {"kind": "positional", "valueName": "data", "abstract": "What to read", "shouldDisplay": True},
                {"kind": "option", "valueName": "n", "names": [{"kind": "long", "name": "epochs"}], "abstract": "Passes, as with --steps.",
                 "defaultValue": "5"},
                {"kind": "flag", "names": [{"kind": "long", "name": "secret"}], "shouldDisplay": False}]})
        self.assertIn("# evenkeel train", text)
        self.assertIn("evenkeel train DATA [OPTIONS]", text)
        self.assertIn("- term `DATA`: What to read.", text)
        self.assertIn("- term `--epochs N`: Passes, as with `--steps`. Default: `5`.", text)
        self.assertNotIn("secret", text)


@unittest.skipUnless(browser.program(), "Chromium is not installed; Scripts/setup test installs it")
class BrowserTests(unittest.TestCase):
    def faults(self, content):
        with tempfile.TemporaryDirectory() as folder:
            site = pathlib.Path(folder)
            (site / "index.html").write_text(PAGE.format(content))
            (site / "favicon.ico").write_bytes(b"")
            return "\n".join(browser.check(site, ["/"]))

    def test_what_is_wrong_with_a_page_is_found(self):
        faults = self.faults("<h1>Title</h1><a href='/nowhere'>x</a><p style='width:900px'>wide</p><img src='/none.png'>"
                             "<script>console.error('ouch')</script>")
        for fault in ["dead link to /nowhere", "pixels wide", "/none.png is no picture", "ouch"]:
            self.assertIn(fault, faults)

    def test_a_page_without_faults_has_none(self):
        self.assertEqual(self.faults("<h1>Title</h1><a href='/'>home</a>"), "")


if __name__ == "__main__":
    unittest.main()
