"""What Postfix is told about clients on this host."""

from __future__ import annotations

import pwd
from pathlib import Path

import pytest

from smallmail.programs import peer
from tests.unit.machine.test_peers import connection

NOBODY = pwd.getpwnam("nobody").pw_uid
ASKED = {"client_address": "127.0.0.1", "client_port": "40000", "server_address": "127.0.0.1", "server_port": "25"}


@pytest.fixture(autouse=True)
def users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer, "_USERS", {"sieve": "nobody", "forward": "daemon"})


def answer(root: Path, user: int | None, service: str = "") -> str:
    """Ask about a connection of that user; of nobody, if it is None."""
    connection(root, "0100007F:9C40", "0100007F:0019", user or 0, 0 if user is None else 7)
    return peer.answer({**ASKED, "policy_context": service}, str(root))


@pytest.mark.parametrize(("user", "service", "action"), [
    (33, "", "PREPEND X-Smallmail-Uid: 33"),
    (0, "", "PREPEND X-Smallmail-Uid: 0"),
    (None, "", "PREPEND X-Smallmail-Uid: unknown"),
    (NOBODY, "sieve", f"PREPEND X-Smallmail-Uid: {NOBODY}"),
    (1, "forward", "DUNNO"),
    (0, "forward", "DUNNO"),
    (33, "sieve", "REJECT 5.7.1 This service is for the user nobody"),
    (NOBODY, "forward", "REJECT 5.7.1 This service is for the user daemon"),
    (None, "sieve", "DEFER 4.3.0 It is not known which user has connected, try again later"),
])  # fmt: skip
def test_the_action_depends_on_the_user(tmp_path: Path, user: int | None, service: str, action: str) -> None:
    assert answer(tmp_path, user, service) == action


def test_mail_does_not_wait_for_a_kernel_that_tells_nothing(tmp_path: Path) -> None:
    found = [peer.answer({**ASKED, "policy_context": service}, str(tmp_path)) for service in ("", "sieve", "forward")]
    assert found == ["PREPEND X-Smallmail-Uid: unknown", f"PREPEND X-Smallmail-Uid: {NOBODY}", "DUNNO"]


def test_postfix_before_3_2_does_not_tell_the_servers_end(tmp_path: Path) -> None:
    connection(tmp_path, "0100007F:9C40", "0100007F:0019", 33, 7)
    asked = {name: value for name, value in ASKED.items() if name.startswith("client")}
    assert peer.answer(asked, str(tmp_path)) == "PREPEND X-Smallmail-Uid: 33"


def test_several_questions_come_on_one_connection() -> None:
    lines = ["request=smtpd_access_policy\n", "sender=a=b@example.org\n", "\n", "sender=\n", "\n", "half=\n"]
    assert list(peer.questions(lines)) == [
        {"request": "smtpd_access_policy", "sender": "a=b@example.org"}, {"sender": ""}]
