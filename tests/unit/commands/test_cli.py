"""The command line: the overview, what a mistake is told, and the exit codes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

import smallmail
from smallmail import __version__
from smallmail.commands import cli, verbs

PACKAGE = Path(smallmail.__file__).parent  # the installed one, if debian/tests/unit runs this


@pytest.mark.parametrize("words", [[], ["help"], ["--help"], ["-h"], ["help", "help"], ["help", "--help"]])
def test_the_overview_names_every_verb(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in told if line.startswith("  ")][: len(verbs.VERBS)] == [
        verb[0] for verb in verbs.VERBS
    ]
    assert max(map(len, told)) <= 80


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"smallmail {__version__}\n"


@pytest.mark.parametrize("words", ["help user add", "user add --help", "user add -h"])
def test_the_page_of_a_verb(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words.split()) == 0
    assert capsys.readouterr().out.startswith("usage: smallmail user add [-h] [--password-stdin] ADDRESS\n")


@pytest.mark.parametrize(
    "words, sentence",
    [
        ("staus", "there is no verb 'staus'; did you mean 'status'?"),
        ("frobnicate", "there is no verb 'frobnicate'; 'smallmail help' shows all verbs"),
        ("help frobnicate", "there is no verb 'frobnicate'; 'smallmail help' shows all verbs"),
        ("--verson", "there is no option '--verson'; did you mean '--version'?"),
        ("hlep", "there is no verb 'hlep'; did you mean 'help'?"),
        ("user",
         "an action is missing: type 'smallmail user add', 'passwd', 'remove', 'restore', 'disable', 'enable',"
         " 'limit' or 'list'"),
        ("certificate", "an action is missing: type 'smallmail certificate status' or 'obtain'"),
        ("user lst", "there is no action 'lst'; did you mean 'list'?"),
        ("user xyz",
         "there is no action 'xyz'; type 'smallmail user add', 'passwd', 'remove', 'restore', 'disable', 'enable',"
         " 'limit' or 'list'"),
        ("user add", "ADDRESS is missing: type 'smallmail user add [--password-stdin] ADDRESS'"),
        ("user add bob", "'bob' is not a mail address: type it with its domain, as in bob@example.org"),
        ("alias add", "ADDRESS and DESTINATION are missing: type 'smallmail alias add ADDRESS DESTINATION'"),
        ("user list --json=yes", "--json takes no value: type 'smallmail user list [--json]'"),
        ("dns publish --replace example.org",
         "--replace needs NAME and TYPE: type"
         " 'smallmail dns publish [--yes] [--replace NAME TYPE] [--json] [DOMAIN ...]'"),
        ("user list all", "'all' is one word too many: type 'smallmail user list [--json]'"),
        ("user list --jsn", "there is no option '--jsn'; did you mean '--json'?"),
        ("apply --replace", "--replace needs a value: type 'smallmail apply [--replace NAME]'"),
        ("history yesterday", "'yesterday' is not a number: 'smallmail history' shows the numbers"),
        ("domain add example", "'example' is not a full name: type it with its domain, as in example.org"),
        ("alias remove @", "a name is needed, as in mail.example.org"),
    ],
)
def test_wrong_usage_is_told_in_one_sentence(
    words: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words.split()) == 2
    assert capsys.readouterr() == ("", f"smallmail: {sentence}\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("words, code", [("help", 0), ("help user", 0), ("--version", 0), ("usr", 2), ("user list", 1)])
def test_only_the_work_is_for_root(words: str, code: int) -> None:
    program = f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r})\n"
    program += "from smallmail.commands import cli\nsys.exit(cli.main"
    done = subprocess.run(
        ["/usr/bin/python3", "-I", "-B", "-c", f"{program}({words.split()!r}))"],
        user=65534, group=65534, extra_groups=[], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert (code == 1) == (done.stderr == f"smallmail: only root may do this: type 'sudo smallmail {words}'\n")
