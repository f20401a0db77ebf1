"""`smallmail bans`, on a host that is a folder."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from smallmail.bans import book, orders
from smallmail.bans.book import Ban
from smallmail.commands import cli
from smallmail.commands.arguments import parser
from smallmail.errors import WrongUsage
from smallmail.machine import state, state_files
from smallmail.machine.host import Host
from smallmail.settings import fields


@pytest.fixture
def host(tmp_path: Path) -> Host:
    (tmp_path / "etc/smallmail").mkdir(parents=True)
    (tmp_path / fields.PATH).write_text(
        "hostname = mx.example.org\ndomain = example.org\naddress = alice@example.org\n")
    made = Host(str(tmp_path))
    state_files.make_folder(made, state.BANS)
    now = int(time.time())
    book.save(made, [Ban("203.0.113.66", now - 60, now + 3540, 1, ["root", "info"], 10),
                     Ban("203.0.113.67", now - 7200, now - 3600, 1, ["root"], 10)])
    return made


def typed(host: Host, words: str) -> int:
    options = parser.parse(words.split())
    assert options is not None
    return parser.run(host, options)


def test_the_list(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    orders.add(host, orders.clients.network("198.51.100.0/24"), 1_700_000_000)
    assert typed(host, "bans list") == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == "198.51.100.0/24         since 2023-11-14 22:13 UTC, until you lift it"
    assert second.startswith("203.0.113.66 ") and second.endswith(" UTC, tried root, info")
    assert typed(host, "bans list --json") == 0
    mine, theirs = json.loads(capsys.readouterr().out)
    assert mine == {"address": "198.51.100.0/24", "by": "admin", "since": "2023-11-14 22:13 UTC", "until": "",
                    "names": [], "tries": 0}
    assert (theirs["address"], theirs["by"], theirs["names"], theirs["tries"]) == (
        "203.0.113.66", "smallmail", ["root", "info"], 10)


def test_bans_alone_is_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(parser, "parse", asked.append)
    assert cli.main(["bans"]) == cli.main(["bans", "--json"]) == 0
    assert asked == [["bans", "list"], ["bans", "list", "--json"]]


def test_add_and_lift(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(host, "bans add 2001:db8:5::1/48") == 0
    assert typed(host, "bans lift 203.0.113.0/24") == 0
    assert typed(host, "bans lift 2001:db8:5::7") == 0
    assert typed(host, "bans lift 192.0.2.1") == 0
    assert capsys.readouterr().out == (
        "2001:db8:5::/48 is banned until you lift it.\nNo longer banned: 203.0.113.66.\n"
        "No longer banned: 2001:db8:5::/48.\nNo address in 192.0.2.1 is banned.\n")
    assert typed(host, "bans list") == 0
    assert capsys.readouterr().out == "No address is banned.\n"


@pytest.mark.parametrize("word", ["x", "1.2.3", "10.0.0.0/33", "mail.example.org", "0.0.0.0/0", "::/0", "127.0.0.1",
                                  "127.0.0.0/8", "::1", "192.0.2.5", "192.0.0.0/16"])
def test_what_may_not_be_banned(host: Host, word: str) -> None:
    state_files.write(host, state.BANS_NEVER, "192.0.2.0/24\n")
    with pytest.raises(WrongUsage):
        typed(host, f"bans add {word}")
    assert orders.load(host).added == {}
