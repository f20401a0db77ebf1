"""The dialogue on a host that is set up: what its settings file says is shown, and what is answered goes back to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from smallmail.settings import ask, fields, file_format, file_reader
from tests.unit.debconf_double import Debconf
from tests.unit.settings.test_ask import GOOD, a_host_of_its_own, run

__all__ = ["a_host_of_its_own"]  # the fixture

FILE = """\
# settings
hostname = mail.example.org
domain = example.org
address = alice@example.org
certificate = self-signed
resolver = 192.0.2.53  # in the rack
rspamd-password = $2$hash
"""


def test_an_upgrade_asks_nothing_and_answers_nothing(tmp_path: Path) -> None:
    root = settings_file(tmp_path, FILE)
    db = Debconf({}, priority="high")
    assert run(db, root) == {"password": "", "rspamd-password": ""}
    assert db.shown == []


def test_reconfigure_shows_todays_values_and_changes_what_was_answered(tmp_path: Path) -> None:
    root = settings_file(tmp_path, FILE)
    db = Debconf({"domain": ["example.org example.net"]}, priority="low")
    db.preseed(resolver="system", mail_directory="/old")
    found = run(db, root, reconfigure=True)
    assert found is not None
    assert found["domain"] == "example.org example.net"
    assert found["resolver"] == "192.0.2.53", "the file is the truth, not what debconf remembered"
    assert found["mail-directory"] == "/srv/mail", "what the file does not say is the default"
    assert (found["password"], found["rspamd-password"]) == ("", "")
    ask.forget_passwords(db)
    assert run(db, root) == {"password": "", "rspamd-password": ""}


def test_what_debconf_remembers_never_goes_over_the_file(tmp_path: Path) -> None:
    root = settings_file(tmp_path, FILE)
    db = Debconf().preseed(**GOOD, mail_directory="/old", relayhost="[old.example]:25")
    assert run(db, root) == {"password": "", "rspamd-password": ""}


def test_an_answer_given_while_preconfiguring_survives_the_second_run(tmp_path: Path) -> None:
    root = settings_file(tmp_path, FILE.replace("certificate = self-signed\n", ""))
    db = Debconf({"certificate": ["self-signed"]})
    db.preseed(**GOOD)
    assert run(db, root) == {"password": "", "certificate": "self-signed", "rspamd-password": ""}
    assert run(db, root) == {"password": "", "certificate": "self-signed", "rspamd-password": ""}


def test_a_pending_password_survives_a_failed_configuration(tmp_path: Path) -> None:
    db = Debconf().preseed(**GOOD, password="correct horse")
    assert run(db) is not None
    found = run(db, settings_file(tmp_path, FILE))
    assert found is not None
    assert found["password"] == "correct horse"


def settings_file(root: Path, text: str) -> Path:
    path = root / fields.PATH
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return root


def test_a_wrong_value_in_the_file_is_explained_and_mended(tmp_path: Path) -> None:
    root = settings_file(tmp_path, FILE.replace("mail.example.org", "mail"))
    db = Debconf({"hostname": ["mail", "mx.example.org"]})
    found = run(db, root)
    assert found is not None
    assert found["hostname"] == "mx.example.org"
    assert [sentence.partition("'")[0] for sentence in db.said] == ["/etc/smallmail/smallmail.conf: hostname: ", ""]
    assert db.shown == ["hostname"] * 2, "and nothing else, on an upgrade"


def test_a_wrong_value_in_the_file_is_no_answer_where_nobody_is_there(tmp_path: Path) -> None:
    root = settings_file(tmp_path, FILE.replace("mail.example.org", "mail"))
    db = Debconf()
    assert run(db, root) == {"password": "", "rspamd-password": ""}
    assert db.shown == []


@pytest.mark.parametrize(
    "line",
    [
        "hostname = mail.example.org  # since May", 'hostname = "a # b"', "hostname='x'", 'hostname = "a, b" # c',
        "hostname = a.example, b.example", "hostname = a,b#c", 'hostname = "a", b', "hostname = 'a' , 'b'",
        "hostname =", "hostname = # none", "hostname = it's", 'hostname = a "b" c', "hostname = a,", "hostname = ,",
        "hostname = a=b", 'hostname = "it\'s"', "  hostname=x", 'hostname = ""', '"hostname" = x', "# hostname = x",
        "; hostname = x", "hostname = '''x'''", 'hostname = """it\'s "x\\""""  # c',
        "relay-password = '''a'b\"c, #d'''",
    ],
)  # fmt: skip
def test_the_file_is_read_as_smallmail_itself_reads_it(line: str) -> None:
    try:
        expected = file_format.parse(line)
    except fields.Problem:
        expected = {}  # a ";" begins no comment there
    assert file_reader.parse(line) == expected
