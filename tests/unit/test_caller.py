"""The real programs, started by callers that leave them odd things: a umask, limits, closed descriptors, variables."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from smallmail import caller

SOURCE = Path(__file__).parents[2]
PROGRAMS = ("debian/smallmail", "libexec/run")
SCRIPTS = ("postinst", "prerm", "postrm", "config")

# What a command that the program runs is given.
LOOK = """
import json, os, subprocess, sys
from smallmail.machine.host import Host
host = Host(sys.argv[1])
host.directory("made/on/the/way", 0o700)
host.write("written/file", __import__("smallmail.machine.file").machine.file.File(b"x" * 5000, 0o644, "root", "root"))
print("said")
print("told", file=sys.stderr)
with open(sys.argv[1] + "/seen", "w") as stream:
    json.dump({"environment": host.run(["env"]).splitlines(), "cwd": os.getcwd(),
               "limits": host.run(["sh", "-c", "ulimit -f; ulimit -n; ulimit -c; umask"]).split(),
               "failure": subprocess.call(["false"]),
               "modes": ["%o" % os.stat(os.path.join(sys.argv[1], name)).st_mode for name in ("made", "written")],
               "open": sorted(os.listdir("/proc/self/fd"))[:3]}, stream)
"""


def seen(program: str, folder: Path, prepare: Callable[[], object], **variables: str) -> dict[str, list[str]]:
    """Start a program as far as its door, after `prepare` in its process. Returns what it sees from there on."""
    first, _, text = (SOURCE / program).read_text("utf-8").partition("\n")
    door = text[:text.index("\n", text.index("caller.forget(")) + 1]
    code = f"import sys; sys.path.insert(0, {str(SOURCE)!r})\n{door}{LOOK}"
    interpreter, options = first.removeprefix("#!").split()
    done = subprocess.run([interpreter, options + "B", "-c", code, str(folder)] if "X" not in options else
                          [interpreter, *("-I", "-B", "-X", "utf8"), "-c", code, str(folder)],
                          env={"PATH": os.environ["PATH"], **variables}, preexec_fn=prepare, check=False,
                          capture_output=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads((folder / "seen").read_text("utf-8"))
    return found


def nothing() -> None:
    """Leave the process as it is."""


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_umask_keeps_nobody_out(program: str, tmp_path: Path) -> None:
    found = seen(program, tmp_path, lambda: os.umask(0o077))
    assert found["modes"] == ["40755", "40755"] and found["limits"][3] == "0022"


@pytest.mark.parametrize("program", PROGRAMS)
def test_limits_do_not_cut_the_work_off(program: str, tmp_path: Path) -> None:
    def limit() -> None:
        for name, soft in (("FSIZE", 1024), ("NOFILE", 20)):
            number = getattr(resource, "RLIMIT_" + name)
            resource.setrlimit(number, (soft, resource.getrlimit(number)[1]))

    size, files, core, _ = seen(program, tmp_path, limit)["limits"]
    assert (size, core) == ("unlimited", "0") and int(files) >= 1024


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("closed", [[0], [1], [2], [0, 1, 2]])
def test_closed_descriptors_are_open(program: str, closed: list[int], tmp_path: Path) -> None:
    def close() -> None:
        for number in closed:
            with contextlib.suppress(OSError):
                os.close(number)

    found = seen(program, tmp_path, close)
    assert found["open"] == ["0", "1", "2"] and (tmp_path / "written/file").read_bytes() == b"x" * 5000


@pytest.mark.parametrize("program", PROGRAMS)
def test_variables_lead_nowhere_else(program: str, tmp_path: Path) -> None:
    odd = {"PATH": "/nonexistent", "HOME": "/nonexistent", "TMPDIR": "/nonexistent", "MAIL_CONFIG": "/nonexistent",
           "OPENSSL_CONF": "/nonexistent", "POSIXLY_CORRECT": "1", "LANGUAGE": "de", "https_proxy": "http://a.test"}
    found = dict(line.split("=", 1) for line in seen(program, tmp_path, nothing, **odd, DEBIAN_FRONTEND="text",
                                                     )["environment"])
    assert found.pop("LANGUAGE") == "" and found.pop("DEBIAN_FRONTEND") == "text"
    assert found.pop("PATH").startswith("/usr/local/sbin:") and found.pop("HOME") != "/nonexistent"
    # A unit's variables are the admin's choice for good; those of a shell are not.
    assert set(odd) & set(found) == ({"https_proxy"} if program == "libexec/run" else set())


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_folder_that_is_gone_and_an_ignored_signal_change_nothing(program: str, tmp_path: Path) -> None:
    gone = tmp_path / "gone"

    def prepare() -> None:
        gone.mkdir()
        os.chdir(gone)
        gone.rmdir()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    found = seen(program, tmp_path, prepare)
    assert found["cwd"] == "/" and found["failure"] == 1


@pytest.mark.parametrize("arguments", [["nonsense"], ["--version"]])
def test_the_whole_command_runs_with_all_descriptors_closed(arguments: list[str]) -> None:
    code = (SOURCE / "debian/smallmail").read_text("utf-8")
    code = f"import sys; sys.path.insert(0, {str(SOURCE)!r})\n" + code.partition("\n")[2]
    done = subprocess.run(["/usr/bin/python3", "-IB", "-X", "utf8", "-c", code, *arguments], check=False,
                          preexec_fn=lambda: os.closerange(0, 3))
    assert done.returncode == (2 if arguments == ["nonsense"] else 0)


@pytest.mark.parametrize("script", SCRIPTS)
def test_maintainer_scripts_begin_with_the_umask_of_a_service(script: str) -> None:
    lines = (SOURCE / f"debian/smallmail-server.{script}").read_text("utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")][:2] == ["set -e", "umask 022"]


def test_limits_that_may_not_be_set_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service's filter of system calls (@resources) refuses it."""
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(resource, "setrlimit", refuse)
    caller._raise(resource.RLIMIT_NOFILE, 1 << 40)
    assert not caller._set(resource.RLIMIT_CORE, 1, 2)
