"""The queue of messages that Rspamd is to learn from: nothing is lost, and nothing is taught for ever."""

from __future__ import annotations

import http.server
import os
import socketserver
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from smallmail.machine import state
from smallmail.machine.host import Host
from smallmail.programs import learn

TEACH = Path(__file__).parents[3] / "libexec/sieve/teach"


class Controller(http.server.BaseHTTPRequestHandler):
    """Answers as Rspamd's controller does."""

    taught: list[tuple[str, bytes]]
    code = 200

    def do_POST(self) -> None:  # noqa: N802 (http.server's name)
        self.taught.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def address_string(self) -> str:
        return "socket"

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def host() -> Iterator[Host]:
    """In a folder with a short name: the path of a socket may have 107 bytes (unix(7)), and pytest's are long."""
    with tempfile.TemporaryDirectory() as root:
        for folder in (state.LEARNING, state.RSPAMD):
            (Path(root) / folder).mkdir(parents=True)
        yield Host(root)


@pytest.fixture
def rspamd(host: Host) -> Iterator[type[Controller]]:
    class Own(Controller):
        taught: list[tuple[str, bytes]] = []

    with socketserver.ThreadingUnixStreamServer(host.path(state.CONTROLLER), Own) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Own
        server.shutdown()
        thread.join()


def queue(host: Host, name: str, text: bytes, age: float = 0.0) -> Path:
    path = Path(host.path(state.LEARNING)) / name
    path.write_bytes(text)
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def test_all_is_taught_the_oldest_first(host: Host, rspamd: type[Controller]) -> None:
    queue(host, "a.ham", b"moved back", 10)
    queue(host, "b.spam", b"moved to Junk", 20)
    queue(host, ".c", b"half")
    assert learn.learn(host, []) == 0
    assert rspamd.taught == [("/learnspam", b"moved to Junk"), ("/learnham", b"moved back")]
    assert host.names(state.LEARNING) == [".c"]


def test_what_rspamd_knows_already_is_done(host: Host, rspamd: type[Controller]) -> None:
    rspamd.code = 208
    queue(host, "a.spam", b"known")
    assert learn.teach(host)
    assert host.names(state.LEARNING) == []


def test_a_message_waits_while_rspamd_fails(host: Host, rspamd: type[Controller]) -> None:
    rspamd.code = 503
    queue(host, "a.spam", b"x")
    assert not learn.teach(host)
    assert host.names(state.LEARNING) == ["a.spam"]
    rspamd.code = 200
    assert learn.teach(host)


def test_a_message_waits_while_rspamd_is_down(host: Host) -> None:
    queue(host, "a.spam", b"x")
    assert not learn.teach(host)
    assert host.names(state.LEARNING) == ["a.spam"]


def test_what_cannot_be_learned_for_a_week_is_given_up(host: Host) -> None:
    queue(host, "a.spam", b"x", 8 * 24 * 3600)
    queue(host, ".half", b"x", 8 * 24 * 3600)
    assert learn.learn(host, []) == 0
    assert host.names(state.LEARNING) == []


def test_a_link_a_pipe_and_a_stray_file_are_not_read(host: Host, rspamd: type[Controller], tmp_path: Path) -> None:
    folder = Path(host.path(state.LEARNING))
    (tmp_path / "secret").write_text("secret")
    (folder / "a.spam").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / "b.ham")
    queue(host, "stray", b"x")
    assert learn.learn(host, []) == 0
    assert rspamd.taught == []
    assert host.names(state.LEARNING) == []
    assert (tmp_path / "secret").exists()


def test_teach_refuses_another_word() -> None:
    done = subprocess.run(["sh", str(TEACH), "eggs"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (64, b"usage: teach spam|ham\n")


def queued_by_teach(tmp_path: Path, kind: str, text: bytes) -> subprocess.CompletedProcess[bytes]:
    """Run the program with its queue in a folder of the test's."""
    script = TEACH.read_text("utf-8").replace(f"/{state.LEARNING}", str(tmp_path)).replace("limit=10000", "limit=3")
    return subprocess.run(["sh", "-c", script, "teach", kind], input=text, capture_output=True, check=False)


def test_teach_queues_a_whole_message(tmp_path: Path) -> None:
    text = b"Subject: x\r\n\r\n" + bytes(range(256)) * 1000
    assert queued_by_teach(tmp_path, "spam", text).returncode == 0
    (path,) = tmp_path.iterdir()
    assert path.suffix == ".spam" and not path.name.startswith(".")
    assert path.read_bytes() == text
    assert path.stat().st_mode & 0o777 == 0o600


def test_teach_bounds_the_queue(tmp_path: Path) -> None:
    codes = [queued_by_teach(tmp_path, "ham", b"x").returncode for _ in range(5)]
    assert codes == [0, 0, 0, 75, 75]
    assert len(list(tmp_path.iterdir())) == 3
