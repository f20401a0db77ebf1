"""The groups side by side: one that fails, one that does not exist, and none that a merge has lost."""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import smallmail
from smallmail import findings
from smallmail.check import run as check_run
from smallmail.check.run import Check
from smallmail.commands import check
from smallmail.dkim import rotation
from smallmail.errors import Problem
from smallmail.findings import Finding, Group
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings
from smallmail.zones import asking
from smallmail.zones.answers import Unanswered

PACKAGE = Path(smallmail.__file__).parent  # debian/tests looks at the installed one
HOST = Host("/nowhere")
SETTINGS = Settings({"hostname": "mx.example.org", "domain": "example.org", "address": "alice@example.org"})
ONE, TWO = Group("host").problem("one", "why", ["type"]), Group("dns").problem("two", "why", ["type"])


def test_a_group_that_fails_keeps_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(host: Host, settings: Settings) -> Iterator[Finding]:
        yield ONE
        raise Problem("the daemon is away")

    monkeypatch.setattr(check_run, "CHECKS", (Check("host", fails), Check("dns", lambda host, settings: iter([TWO]))))
    found = check_run.findings(HOST, SETTINGS, ["dns", "host"])
    assert found == [ONE, Group("host").unknown("a part of the group host", "the daemon is away"), TWO]
    assert findings.text(found).splitlines()[-1] == "Not checked: a part of the group host (the daemon is away)"
    assert findings.text(found[1:2]).endswith("\nNo problem found.")


def test_what_keeps_two_checks_of_a_group_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(host: Host, settings: Settings) -> list[Finding]:
        raise Problem("the certificate cannot be read")

    monkeypatch.setattr(check_run, "CHECKS", (Check("tls", fails), Check("tls", fails)))
    assert len(check_run.findings(HOST, SETTINGS, ["tls"])) == 1


def test_dkim_keys_are_looked_at_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nobody:
        def __init__(self, own: list[str]) -> None:
            pass

        def ask(self, name: str, kind: str) -> None:
            raise Unanswered("no name server answers")

    monkeypatch.setattr(asking, "authority", Nobody)
    monkeypatch.setattr(asking, "servers", lambda words: [])
    checks = [each._replace(findings=lambda host, settings: iter([TWO])) if each.findings is rotation.findings else each
              for each in check_run.CHECKS]
    monkeypatch.setattr(check_run, "CHECKS", tuple(checks))
    found = check_run.findings(HOST, SETTINGS, ["dns"])
    assert found.count(TWO) == 1
    assert found[-1] == Group("dns").unknown("the records in DNS", "no name server answers")


def test_a_group_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="there is no group 'hosts'; did you mean 'host'"):
        check.check(Host(str(tmp_path)), argparse.Namespace(groups=["dns", "hosts"]))


def test_no_check_is_lost() -> None:
    """Every module that has a function `findings` is in the collector, and nothing else."""
    doors = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name == "findings" and module != check_run.__name__:
                doors.add(module)
                assert len(node.args.args) == 2, f"{module}.findings: takes the host and the settings"
    assert {check.findings.__module__ for check in check_run.CHECKS} == doors
    assert len(check_run.CHECKS) == len(doors)
    assert check_run.GROUPS == ["host", "dns", "tls", "ports", "mail", "reputation", "security", "updates"]
