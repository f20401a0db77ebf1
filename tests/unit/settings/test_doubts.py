"""What looks like a typo is asked for twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from smallmail.accounts import database
from smallmail.machine.host import Host
from smallmail.settings import doubts
from tests.unit.debconf_double import Debconf
from tests.unit.settings.test_ask import FILE, GOOD, a_host_of_its_own, run, settings_file

__all__ = ["a_host_of_its_own"]


@pytest.mark.parametrize(("name", "text"), [("address", "alcie@example.org"), ("hostname", "mial.example.org")])
def test_on_reconfigure_a_typo_is_asked_for_twice(
        tmp_path: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    root = settings_file(tmp_path, FILE)
    with database.open_accounts(Host(str(tmp_path))) as accounts:
        accounts.add_domain("example.org", GOOD["address"])
        accounts.add_mailbox(GOOD["address"], "{X}hash")
    monkeypatch.setattr(doubts, "_has_address", lambda name: name == GOOD["hostname"])
    db = Debconf({name: [text, GOOD[name]]})
    found = run(db, root, reconfigure=True)
    assert found is not None and found[name] == GOOD[name]
    assert ["again" in sentence and text in sentence for sentence in db.substituted] == [True]
    db = Debconf({name: [text, text]})
    found = run(db, root, reconfigure=True)
    assert found is not None and found[name] == text, "given twice, it is meant"
    db = Debconf().preseed(**{name: text})
    run(db, root, reconfigure=True)
    assert db.substituted == [], "where nobody is there, nothing is asked"


def test_a_newcomers_answers_raise_no_doubt() -> None:
    db = Debconf({}, priority="low")
    run(db)
    assert db.substituted == []
