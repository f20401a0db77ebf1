"""What the daily letter tells of bans."""

from __future__ import annotations

from smallmail.bans import news
from smallmail.machine.host import Host
from tests.unit.bans.conftest import BAN, NOW, put


def test_a_letter_tells_each_ban_once(host: Host) -> None:
    put(host, [BAN._replace(client=f"203.0.113.{number}", since=NOW - 60)._asdict() for number in range(25)])
    found = news.new(host, NOW)
    assert len(found) == 25
    assert news.lines(found)[0] == "203.0.113.0 until 2023-11-14 23:13 UTC; tried: root"
    assert news.lines(found)[20:] == ["and 5 more"]
    news.told(host, NOW)
    assert news.new(host, NOW + 10) == []
