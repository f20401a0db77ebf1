"""Letters that are kept until they are sent: by mail, by a program, by a web server."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from smallmail.limits import alarms
from smallmail.limits.configured import DEFAULT, Configured
from smallmail.limits.told import Letter
from smallmail.machine import probes, state
from smallmail.machine.host import Host

ALARM = Letter("postmaster@example.org", "anna\r\nBcc: x@example.net", "Line one.\n.\nLine three: ü\n", True)
NOTICE = ALARM._replace(is_alarm=False)


class Post:
    """What Postfix would get. (Port 25 of the machine that runs the tests is not ours.)"""

    def __init__(self) -> None:
        self.works, self.got = True, []  # type: bool, list[Letter]
        self.__name__ = "mail"

    def __call__(self, _: Host, __: Configured, letter: Letter) -> None:
        if not self.works:
            raise OSError("no Postfix")
        self.got.append(letter)


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Post:
    made = Post()
    monkeypatch.setattr(alarms, "mail", made)
    return made


@pytest.fixture
def host(tmp_path: Path) -> Host:
    made = Host(str(tmp_path))
    made.directory(state.ALARMS)
    return made


def program(tmp_path: Path, text: str) -> Configured:
    path = tmp_path / "program"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return DEFAULT._replace(notify=str(path))


def test_a_letter_stays_until_postfix_has_it(host: Host, post: Post) -> None:
    post.works = False
    alarms.put(host, ALARM)
    assert not alarms.send_all(host, DEFAULT)
    post.works = True
    assert alarms.send_all(host, DEFAULT)
    assert (post.got, host.names(state.ALARMS)) == ([ALARM], [])


def test_a_program_gets_the_text_on_standard_input_and_no_arguments(host: Host, post: Post, tmp_path: Path) -> None:
    alarms.put(host, ALARM)
    alarms.put(host, NOTICE)
    told = program(tmp_path, f'{{ echo "$#"; cat; }} >>{tmp_path}/said')
    assert alarms.send_all(host, told)
    assert (tmp_path / "said").read_bytes().decode() == f"0\n{ALARM.subject}\n\n{ALARM.text}", "the alarm alone"
    assert post.got == [ALARM, NOTICE]


def test_the_program_is_told_although_mail_is_broken_and_only_once(host: Host, post: Post, tmp_path: Path) -> None:
    post.works = False
    alarms.put(host, ALARM)
    told = program(tmp_path, f"echo >>{tmp_path}/said")
    for _ in range(3):
        assert not alarms.send_all(host, told)
    assert (tmp_path / "said").read_text() == "\n"


def test_a_program_that_fails_is_given_up_after_ten_times(host: Host, post: Post, tmp_path: Path) -> None:
    alarms.put(host, ALARM)
    told = program(tmp_path, f"echo >>{tmp_path}/said; exit 1")
    assert [alarms.send_all(host, told) for _ in range(10)] == [False] * 9 + [True]
    assert (tmp_path / "said").read_text() == "\n" * 10
    assert post.got == [ALARM], "once"


def test_a_program_that_hangs_is_ended(host: Host, post: Post, tmp_path: Path,
                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarms, "_TIMEOUT", 1)
    alarms.put(host, ALARM)
    assert not alarms.send_all(host, program(tmp_path, "sleep 1000"))
    assert post.got == [ALARM]


class _Web(http.server.BaseHTTPRequestHandler):
    got: list[tuple[str, bytes]] = []

    def do_POST(self) -> None:
        self.got.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(500 if self.path == "/broken" else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def web() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), _Web) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        _Web.got.clear()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_web_server_gets_the_text_by_post(host: Host, post: Post, web: str) -> None:
    alarms.put(host, ALARM)
    assert alarms.send_all(host, DEFAULT._replace(notify=web + "/topic?key=x"))
    assert _Web.got == [("/topic?key=x", f"{ALARM.subject}\n\n{ALARM.text}".encode())]
    alarms.put(host, ALARM)
    assert not alarms.send_all(host, DEFAULT._replace(notify=web + "/broken"))
    assert not alarms.send_all(host, DEFAULT._replace(notify="http://127.0.0.1:1/"))


@pytest.mark.parametrize("text", ["", "[]", "{}", "\0", json.dumps({"to": "x"})])
def test_what_is_not_a_letter_is_deleted(host: Host, post: Post, text: str) -> None:
    Path(host.path(state.ALARMS), "1").write_text(text)
    assert alarms.send_all(host, DEFAULT)
    assert (post.got, host.names(state.ALARMS)) == ([], [])


def test_a_flood_of_letters_does_not_fill_the_disk(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarms, "_MANY", 3)
    for _ in range(9):
        alarms.put(host, ALARM)
    assert len(host.names(state.ALARMS)) == 3


def test_no_line_of_the_head_can_be_added(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[bytes] = []

    class Connection:
        def sendmail(self, _: str, __: list[str], text: bytes) -> None:
            sent.append(text)

    monkeypatch.setattr(probes, "smtp", lambda *_, **__: contextlib.nullcontext(Connection()))
    alarms.mail(Host(), DEFAULT, ALARM)
    head, _, text = sent[0].decode().partition("\n\n")
    assert "\nSubject: anna Bcc: x@example.net\n" in head
    assert "\nBcc:" not in head
    assert text == ALARM.text
