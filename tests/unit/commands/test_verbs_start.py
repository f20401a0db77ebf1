"""What each verb loads: the slow libraries only where the verb needs them. tests/bench/start.py measures the time."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import smallmail
from tests.bench.start import HARMLESS, SETTINGS, VERBS

PACKAGE = Path(smallmail.__file__).parent  # debian/tests looks at the installed one
SLOW = ("dns", "jinja2", "apt_pkg", "configobj", "ssl", "smtplib", "http.client", "concurrent.futures")

# What doing a verb may load before it begins; all other verbs load none of it.
ASKS_DNS = {"dns", "configobj", "ssl", "http.client", "concurrent.futures"}
MAY_LOAD = {
    "check": {*ASKS_DNS, "apt_pkg", "smtplib"},
    "dns show": ASKS_DNS,
    "dns check": ASKS_DNS,
    "dns publish": ASKS_DNS,
}
# What it may load while it does its work on an empty host.
MAY_LOAD_LATER = {
    "show": {"configobj"},
    "dkim list": {"configobj", "http.client", "ssl"},  # Rspamd is asked what it signs with
}


def loaded(code: str) -> set[str]:
    """The slow libraries that a real interpreter has after this code."""
    program = f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r})\n{code}\nprint('loaded:', *sys.modules)"
    done = subprocess.run(
        ["/usr/bin/python3", "-I", "-B", "-c", program], capture_output=True, text=True, check=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    names = done.stdout.rpartition("loaded:")[2].split()
    # Python's own start may have loaded some (a site's .pth files): they are not ours.
    return set(SLOW) & set(names)


def parsed(verb: str) -> str:
    return f"from smallmail.commands.arguments import parser; options = parser.parse({verb.split()!r})"


@pytest.mark.parametrize("words", [[], ["help"], ["help", "dns"], ["--version"]])
def test_help_loads_nothing(words: list[str]) -> None:
    assert not loaded(f"from smallmail.commands import cli; assert cli.main({words!r}) == 0")


def test_the_overview_loads_neither_argparse_nor_typing() -> None:
    check = "assert not {'argparse', 'typing', 're'} & set(sys.modules)"
    assert not loaded(f"from smallmail.commands import cli; cli.main([]); {check}")


@pytest.mark.parametrize("verb", VERBS)
def test_doing_a_verb_loads_what_it_needs(verb: str) -> None:
    check = f"assert not {set(SLOW)} & set(sys.modules), 'for its arguments alone'"
    assert loaded(f"{parsed(verb)}\n{check}\nparser.work(options.work)") <= MAY_LOAD.get(verb, set())


@pytest.mark.parametrize("verb", [*HARMLESS, "alias add a@example.net b@example.com"])
def test_running_a_verb_loads_what_it_needs(verb: str, tmp_path: Path) -> None:
    (tmp_path / "etc/smallmail").mkdir(parents=True)
    (tmp_path / "var/lib/smallmail").mkdir(parents=True)
    (tmp_path / "etc/smallmail/smallmail.conf").write_text(SETTINGS)
    run = (
        f"{parsed(verb)}\nfrom smallmail.accounts import database\nfrom smallmail.machine.host import Host\n"
        f"host = Host({str(tmp_path)!r})\n"
        "with database.open_accounts(host) as accounts: accounts.add_domain('example.net', 'x@example.net')\n"
        "parser.run(host, options)"
    )
    assert loaded(run) <= MAY_LOAD_LATER.get(verb, set())
