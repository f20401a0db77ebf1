"""The house is in order: sizes, explanations, and who may know whom (DESIGN 1 and 2)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from smallmail import settings

SOURCE = Path(__file__).parents[2]
MODULES = sorted((SOURCE / "smallmail").glob("*.py"))
TOP_LEVEL = {
    ".ci", ".editorconfig", ".gitignore", "Makefile", "README.md", "debian", "libexec", "pyproject.toml", "setup.py",
    "share", "smallmail", "stdeb.cfg", "templates", "tests",
}  # fmt: skip

LONGEST_FILE = 300
LONGEST_FUNCTION = 50

# Who may import what. Pure modules run without root and without daemons; debconf is asked in one place.
PURE = ("answers", "blocklists", "checks", "dns", "dnscheck", "dnsjudge", "dnsplan", "dnstexts", "findings", "firewall",
        "mailqueue", "plan", "questions", "record", "render", "rules", "settings", "spf", "tree")
EFFECTS = {"subprocess", "socket", "smallmail.host", "smallmail.apply", "smallmail.services", "smallmail.transaction"}


def imports(path: Path) -> set[str]:
    """The names of all modules that this one imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_top_level() -> None:
    ignored = {".git", "build", ".mypy_cache", ".pytest_cache", ".ruff_cache", "__pycache__"}
    assert {path.name for path in SOURCE.iterdir()} - ignored == TOP_LEVEL


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_is_short_and_explained(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") <= LONGEST_FILE, "which two things does it do?"
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "what is this module for?"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < LONGEST_FUNCTION, f"{node.name}() does too much"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{node.name}() is for others: what does it do?"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_the_flow_has_one_direction(path: Path) -> None:
    found = imports(path)
    if path.stem in PURE:
        assert not found & EFFECTS, "this module only looks and thinks"
    if path.stem != "ask":
        assert "debconf" not in found, "only ask.py knows debconf"
    if path.stem not in ("package", "ask"):
        assert "smallmail.ask" not in found, "settings come from the file, answers only through package.py"


def test_nothing_imports_itself_in_a_circle() -> None:
    graph = {path.stem: {name.split(".")[1] for name in imports(path) if "." in name} for path in MODULES}
    done: set[str] = set()
    while rest := {name for name in graph if name not in done}:
        free = {name for name in rest if not (graph[name] & rest) - {name}}
        assert free, f"these import one another: {sorted(rest)}"
        done |= free


def test_every_setting_is_documented() -> None:
    for field in settings.FIELDS.values():
        assert re.fullmatch(r"[A-Z].{20,}\.", field.doc, re.DOTALL), f"{field.name}: a sentence, please"


def test_no_package_index_is_named(tracked: list[Path]) -> None:
    hosts = "|".join(["pypi" + r"\.org", "pythonhosted" + r"\.org", "registry" + r"\.npmjs", "deb" + r"\.debian\.org"])
    named = [path for path in tracked if path.is_file() and re.search(hosts.encode(), path.read_bytes())]
    assert not named, "use the ordinary clients, by package name"


def test_nothing_is_left_unfinished(tracked: list[Path]) -> None:
    words = re.compile("|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "NotImplemented" + "Error"]).encode())
    ours = [path for path in tracked if path.is_file() and path.suffix in (".py", ".sh", ".j2", "")]
    assert not [path for path in ours if words.search(path.read_bytes())]
