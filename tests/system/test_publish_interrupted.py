"""`smallmail dns publish` while others change the same zone, and when it is interrupted."""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from smallmail.errors import Problem
from smallmail.publishing import dns_plan, update as publishing_update
from tests.support.publisher import NOT_TOUCHED, Publisher


@pytest.fixture
def before_update(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
    """What happens between reading and writing: a list of calls, one taken each time something is sent."""
    happens: list[Callable[[], object]] = []
    update = publishing_update.Primary.update

    def late(primary: publishing_update.Primary, changes: list[dns_plan.Change],
             seen: dict[tuple[str, str], Any]) -> None:
        if happens:
            happens.pop(0)()
        update(primary, changes, seen)
    monkeypatch.setattr(publishing_update.Primary, "update", late)
    return happens


@pytest.mark.parametrize("record", ["example.com. MX 5 quick.example.com.\n",
                                    "mx.example.com. CNAME quick.example.com.\n"])
def test_somebody_is_quicker(publisher: Publisher, before_update: list[Callable[[], object]],
                             capsys: pytest.CaptureFixture[str], record: str) -> None:
    before_update.append(lambda: publisher.world.dns.set(".", record + "quick.example.com. A 192.0.2.96\n"))
    assert publisher.publish() == 1
    said, there = capsys.readouterr().out, publisher.in_dns()
    assert "Someone else has just changed some of these records; they are read again:" in said
    name, kind = record.split()[:2]
    name = name.rstrip(".")
    assert there[name, kind] == {record.split(None, 2)[2].strip()}, "and nothing beside it"
    assert not [entry for entry in publisher.owned() if entry[:2] == (name, kind)]
    assert (f"{NOT_TOUCHED}example.com MX" if kind == "MX" else "Left out: mx.example.com: it is an alias") in said
    assert there["_dmarc.example.com", "TXT"] == publisher.wanted()["_dmarc.example.com", "TXT"]


def test_somebody_is_always_quicker(publisher: Publisher, before_update: list[Callable[[], object]]) -> None:
    before_update.extend(functools.partial(publisher.world.dns.set, ".", record + "\n") for record in (
        "example.com. MX 5 quick.example.com.", "mx.example.com. A 192.0.2.96", "_imaps._tcp.example.com. SRV 0 0 0 ."))
    with pytest.raises(Problem, match="someone else keeps changing the same records"):
        publisher.publish()
    assert not publisher.owned() and len(publisher.in_dns()) == 3


def test_the_answer_is_lost(publisher: Publisher, monkeypatch: pytest.MonkeyPatch,
                            capsys: pytest.CaptureFixture[str]) -> None:
    """Whether the records are there nobody knows: then they are ours, if they are."""
    update = publishing_update.Primary.update
    lost: list[bool] = []

    def silent(primary: publishing_update.Primary, changes: list[dns_plan.Change],
               seen: dict[tuple[str, str], Any]) -> None:
        update(primary, changes, seen)
        if not lost:
            lost.append(True)
            raise Problem("the name server cannot be reached")
    monkeypatch.setattr(publishing_update.Primary, "update", silent)
    assert publisher.publish() == 1
    assert capsys.readouterr().err == "smallmail: the name server cannot be reached\n"
    assert publisher.publish() == 0
    assert capsys.readouterr().out == "Nothing to do.\n"
    assert {entry[:2] for entry in publisher.owned()} == set(publisher.in_dns())


# Where the process is killed: before the server has the update, and after it.
@pytest.mark.parametrize("sent", [False, True])
def test_killed_in_the_middle(publisher: Publisher, sent: bool, capfd: pytest.CaptureFixture[str]) -> None:
    """The note on what is ours is there before the records are."""
    child = os.fork()
    if not child:
        update = publishing_update.Primary.update

        def killed(primary: publishing_update.Primary, changes: list[dns_plan.Change],
                   seen: dict[tuple[str, str], Any]) -> None:
            if sent:
                update(primary, changes, seen)
            os.kill(os.getpid(), signal.SIGKILL)
        pytest.MonkeyPatch().setattr(publishing_update.Primary, "update", killed)  # it ends with the process
        publisher.publish()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert bool(publisher.in_dns()) == sent
    assert publisher.publish() == 0
    assert publisher.in_dns() == publisher.wanted()
    assert publisher.owned() == {
        (name, kind, value) for (name, kind), values in publisher.wanted().items() for value in values}
    assert ("Nothing to do.\n" in capfd.readouterr().out) == sent
    publisher.configure("mail.example.com")
    assert publisher.publish() == 0
    assert publisher.in_dns() == publisher.wanted()
