"""The code is in order, as HACKING.md says: sizes, explanations, and what may be used where."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from smallmail.settings import fields

SOURCE = Path(__file__).parents[2]
MODULES = sorted((SOURCE / "smallmail").rglob("*.py"))
TESTS = sorted((SOURCE / "tests").rglob("*.py"))
UNIT = SOURCE / "tests/unit"
TOP_LEVEL = {
    ".ci", ".editorconfig", ".gitignore", "HACKING.md", "Makefile", "README.md", "SECURITY.md", "debian", "libexec",
    "pyproject.toml", "setup.py", "share", "smallmail", "stdeb.cfg", "templates", "tests",
}  # fmt: skip

LONGEST_FILE = 300
LONGEST_FUNCTION = 50

# Pure modules run without root and without daemons. Which room may import which is test_rooms.py's subject.
PURE = {
    "findings", "zones.answers", "zones.dns_check", "zones.dns_records", "zones.meaning", "zones.spf",
    "zones.doubled", "zones.spf_record", "zones.tlsa_check", "zones.zone_check",
    "check.probes.blocklists", "check.probes.firewall", "check.probes.queue",
    "publishing.dns_plan", "publishing.serves",
    "settings.fields", "settings.file_format", "settings.questions", "settings.rules", "settings.sending",
    "settings.values",
    "daemons.main_cf", "configuration.plan", "configuration.record", "configuration.render", "configuration.tree",
}  # fmt: skip
EFFECTS = {"subprocess", "socket", "smallmail.machine.host", "smallmail.machine.services", "smallmail.daemons.running",
           "smallmail.configuration.apply", "smallmail.configuration.transaction"}  # fmt: skip


def dotted(path: Path) -> str:
    """A module's name below smallmail."""
    return ".".join(path.relative_to(SOURCE / "smallmail").with_suffix("").parts)


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


@pytest.mark.parametrize("path", MODULES, ids=dotted)
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


def test_the_unit_tests_of_a_module_are_found_by_its_name() -> None:
    """tests/unit/ROOM/test_MODULE.py or test_MODULE_SUBJECT.py; what is about all rooms is in tests/unit itself."""
    lost = []
    for path in UNIT.rglob("test_*.py"):
        room, name = path.parent.relative_to(UNIT), path.stem.removeprefix("test_")
        modules = {module.stem.strip("_") for module in (SOURCE / "smallmail" / room).glob("*.py")} - {"init"}
        if path.parent != UNIT and not any(name == module or name.startswith(f"{module}_") for module in modules):
            lost.append(str(path.relative_to(UNIT)))
    assert not lost, "of which module?"


def test_every_module_of_the_tests_is_short_and_typed() -> None:
    for path in TESTS:
        text = path.read_text("utf-8")
        assert text.count("\n") <= LONGEST_FILE, f"{path}: which two things does it test?"
        functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
        untyped = [function.name for function in functions if not function.returns]
        assert not untyped, f"{path}: say what these return"


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_the_flow_has_one_direction(path: Path) -> None:
    found = imports(path)
    if dotted(path) in PURE:
        assert not found & EFFECTS, "this module only looks and thinks"
    if dotted(path) != "settings.ask":
        assert "debconf" not in found, "only settings/ask.py knows debconf"
    if dotted(path) not in ("programs.package", "settings.ask"):
        assert "smallmail.settings.ask" not in found, "settings come from the file, answers only through package.py"


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_only_host_changes_files(path: Path) -> None:
    changing = {"chmod", "chown", "link", "makedirs", "mkdir", "remove", "rename", "replace", "rmdir", "symlink",
                "truncate", "unlink", "utime"}  # fmt: skip
    used = {node.attr for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os"}
    if dotted(path) == "machine.host":
        assert used & changing
    elif dotted(path) == "machine.walk":
        assert used & changing == {"makedirs", "mkdir"}, "missing folders, as it goes"
    elif dotted(path) == "machine.staging":
        assert used & changing == {"chmod", "chown", "mkdir", "symlink", "unlink"}, "the stage, nothing else"
    elif dotted(path) == "configuration.ucf":
        assert used & changing == {"chmod", "unlink"}, "the temporary file that ucf reads, nothing else"
    elif dotted(path) == "configuration.arrival.owners":
        assert used & changing == {"chown"}, "what came out of a backup, while nobody but root can enter"
    elif dotted(path) == "backup.restore":
        assert used & changing == {"rename"}, "the mail directory, while nobody but root can enter"
    elif dotted(path) == "backup.mailbox":
        assert used & changing == {"makedirs", "utime"}, "as the user vmail"
    elif not dotted(path).startswith("folders."):   # they change mailboxes, as the user vmail
        assert not used & changing, "only machine/host.py changes a host"


def test_all_pure_modules_exist() -> None:
    assert {dotted(path) for path in MODULES} >= PURE


def test_nothing_imports_itself_in_a_circle() -> None:
    graph = {dotted(path): {name.partition(".")[2] for name in imports(path) if "." in name} for path in MODULES}
    done: set[str] = set()
    while rest := {name for name in graph if name not in done}:
        free = {name for name in rest if not (graph[name] & rest) - {name}}
        assert free, f"these import one another: {sorted(rest)}"
        done |= free


def test_every_setting_is_documented() -> None:
    for field in fields.FIELDS.values():
        assert re.fullmatch(r"[A-Z].{20,}\.", field.doc, re.DOTALL), f"{field.name}: a sentence, please"


def test_no_package_index_is_named(tracked: list[Path]) -> None:
    hosts = "|".join(["pypi" + r"\.org", "pythonhosted" + r"\.org", "registry" + r"\.npmjs", "deb" + r"\.debian\.org"])
    named = [path for path in tracked if path.is_file() and re.search(hosts.encode(), path.read_bytes())]
    assert not named, "use the ordinary clients, by package name"


def test_nothing_is_left_unfinished(tracked: list[Path]) -> None:
    words = re.compile("|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "NotImplemented" + "Error"]).encode())
    ours = [path for path in tracked if path.is_file() and path.suffix in (".py", ".sh", ".j2", "")]
    assert not [path for path in ours if words.search(path.read_bytes())]
