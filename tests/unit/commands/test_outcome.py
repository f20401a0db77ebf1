"""What a change of the configuration has done, as it is told at the terminal and to the history."""

from __future__ import annotations

from pathlib import Path

import pytest

from smallmail.commands import outcome
from smallmail.configuration.apply import Outcome
from smallmail.configuration.plan import EDITED, SET, Change
from smallmail.daemons.main_cf import LOCAL_MAIN
from smallmail.machine.host import Host

NOTHING = Outcome([], [], [], [])


def told(folder: Path, done: Outcome, capsys: pytest.CaptureFixture[str], is_new: bool = False) -> str:
    assert outcome.tell(Host(str(folder)), done, is_new) == 0
    said = capsys.readouterr()
    assert said.err == ""
    return said.out


def test_all_that_was_done_and_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed, edited = Change("parameters", "relayhost", SET, None, ""), Change("files", "etc/mailname", EDITED, "", "")
    done = Outcome([changed], [edited], ["postfix", "rspamd"], ["A notice."])
    own = tmp_path / LOCAL_MAIN
    own.parent.mkdir(parents=True)
    own.write_text("not a parameter\n")
    assert told(tmp_path, done, capsys) == (
        "Changed: main.cf: relayhost\n"
        "/etc/mailname: changed by hand: smallmail keeps your version\n"
        "A notice.\n"
        "'not a parameter' in /etc/smallmail/local/postfix is neither a parameter nor a service: it is ignored\n"
        "Reloaded: postfix, rspamd.\n")


def test_nothing_to_do_is_said_unless_settings_were_saved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(tmp_path, NOTHING, capsys) == "Nothing to do.\n"
    assert told(tmp_path, NOTHING, capsys, is_new=True) == ""


@pytest.mark.parametrize("user, asked", [(None, "smallmail apply"), ("bob", "smallmail apply (bob)")])
def test_the_history_is_told_who_used_sudo(user: str | None, asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    if user:
        monkeypatch.setenv("SUDO_USER", user)
    assert outcome.asked("apply") == asked
