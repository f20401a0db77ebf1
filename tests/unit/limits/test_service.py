"""The service on its socket, asked as Postfix asks it; and that no fault of its own stops mail."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from smallmail.accounts.database import Accounts
from smallmail.limits import configured, service
from smallmail.limits.counting import Limits
from smallmail.limits.memory import Memory
from smallmail.machine import state
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings

ANNA = "anna@example.org"
SETTINGS = Settings({"hostname": "mx.example.org", "domain": "example.org", "address": ANNA,
                     "limit-messages-hour": "2", "notify": "/usr/local/bin/alarm"})
QUESTION = f"request=smtpd_access_policy\nsasl_username={ANNA}\nrecipient_count=1\npolicy_context=submission\n\n"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    made = Host(str(tmp_path))
    list(configured.prepare(made, SETTINGS))
    accounts = Accounts(made.path(state.ACCOUNTS), made.path(state.PASSWORDS))
    accounts.add_domain("example.org", ANNA)
    accounts.add_mailbox(ANNA, "x")
    accounts.close()
    return made


def answers(host: Host) -> service.Answers:
    return service.Answers(host, Memory(host, state.LIMITS_MEMORY, time.time()))


def ask(asked: service.Answers) -> str:
    return asked.ask(QUESTION.strip("\n"))[:5]


def test_what_is_configured_is_read_back(host: Host) -> None:
    assert configured.load(host.path(state.LIMITS_CONFIGURED)) == configured.Configured(
        Limits(2, 1000, 400, 1000, 100), "postmaster@example.org", "mx.example.org", "/usr/local/bin/alarm", False)


@pytest.mark.parametrize("text", ["", "{}", "[]", "5", '{"limits": {"x": 1}}'])
def test_a_damaged_file_leaves_the_usual_limits(tmp_path: Path, text: str) -> None:
    (tmp_path / "limits.json").write_text(text)
    assert configured.load(str(tmp_path / "limits.json")) == configured.DEFAULT


def test_the_third_message_is_refused_and_an_alarm_is_kept(host: Host) -> None:
    asked = answers(host)
    assert [ask(asked) for _ in range(4)] == ["DUNNO", "DUNNO", "450 4", "450 4"]
    assert len(host.names(state.ALARMS)) == 1


def test_new_settings_hold_at_once(host: Host) -> None:
    asked = answers(host)
    assert [ask(asked) for _ in range(3)] == ["DUNNO", "DUNNO", "450 4"]
    list(configured.prepare(host, Settings({"domain": "example.org", "hostname": "mx.example.org", "address": ANNA})))
    os.utime(host.path(state.LIMITS_CONFIGURED), (1, 1))
    assert ask(asked) == "DUNNO"


def test_a_mailbox_has_limits_of_its_own(host: Host) -> None:
    accounts = Accounts(host.path(state.ACCOUNTS), host.path(state.PASSWORDS))
    accounts.set_limit(ANNA, "messages_hour", 3)
    accounts.close()
    asked = answers(host)
    assert [ask(asked) for _ in range(4)] == ["DUNNO"] * 3 + ["450 4"]


def test_without_accounts_the_usual_limits_hold(host: Host) -> None:
    host.remove(state.ACCOUNTS)
    asked = answers(host)
    assert [ask(asked) for _ in range(3)] == ["DUNNO", "DUNNO", "450 4"]


def test_a_fault_stops_no_mail(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    asked = answers(host)
    asked._memory._db.execute("DROP TABLE sent")
    assert ask(asked) == "DUNNO"
    assert "begins to count anew: no such table" in capsys.readouterr().err
    assert [ask(asked) for _ in range(3)] == ["DUNNO", "DUNNO", "450 4"]


def test_without_a_folder_for_alarms_it_refuses_all_the_same(host: Host) -> None:
    host.remove_folder(state.ALARMS)
    asked = answers(host)
    assert [ask(asked) for _ in range(3)] == ["DUNNO", "DUNNO", "450 4"]


SERVER = """
import sys
from smallmail.limits import service
from smallmail.machine.host import Host
service.serve(Host(sys.argv[1]), "s", lambda question: "ECHO " + question.replace(chr(10), " "))
"""


@pytest.fixture
def socket_path(tmp_path: Path) -> Iterator[str]:
    path = str(tmp_path / "s")
    (tmp_path / "s").touch()    # what a former process left
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(tmp_path)], stderr=subprocess.PIPE,
                              cwd=Path(__file__).parents[3])
    assert server.stderr
    assert server.stderr.readline() == b"smallmail: answers Postfix\n"
    yield path
    server.kill()
    server.wait()
    server.stderr.close()


def connection(path: str) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(10)
    made.connect(path)
    return made


def test_one_connection_asks_many_questions(socket_path: str) -> None:
    assert os.stat(socket_path).st_mode & 0o777 == 0o660
    with connection(socket_path) as one, connection(socket_path) as two:
        one.sendall(b"a=1\nb=2\n\na=3\n")
        two.sendall(b"a=5\n\n")
        assert two.recv(100) == b"action=ECHO a=5\n\n"
        assert one.recv(100) == b"action=ECHO a=1 b=2\n\n"
        one.sendall(b"\n")
        assert one.recv(100) == b"action=ECHO a=3\n\n"


def test_a_question_without_an_end_is_cut_off(socket_path: str) -> None:
    with connection(socket_path) as one:
        one.sendall(b"x" * 70000)
        assert one.recv(100) == b""
    with connection(socket_path) as two:
        two.sendall(b"a=5\n\n")
        assert two.recv(100) == b"action=ECHO a=5\n\n"


def test_sqlite_is_asked_for_reading_only(host: Host) -> None:
    own = configured.Own(host.path(state.ACCOUNTS))
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        sqlite3.connect(own._uri, uri=True).execute("DELETE FROM mailbox")
