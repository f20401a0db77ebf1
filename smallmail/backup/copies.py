"""Copy the databases, each in a state that it had at one moment, below state.SAVING.

While a transaction that may write is open, no other one is: so the bytes on the disk are whole
(https://www.sqlite.org/lockingv3.html). SQLite's own function for backups needs Python 3.7.
"""
import base64
import contextlib
import os
import sqlite3
from typing import List

from smallmail.backup.saved import COPIED
from smallmail.errors import Problem
from smallmail.machine import as_user, state, state_files
from smallmail.machine.file import File
from smallmail.machine.host import Host

# What belongs together is copied in one transaction.
_ACCOUNTS = (state.ACCOUNTS, state.PASSWORDS)
_PATIENCE = 30      # seconds
_WAL = "-wal"


def make(host: Host) -> None:
    """Copy the databases that exist. Raises Problem."""
    forget(host)
    state_files.make_folder(host, state.SAVING)
    found = [path for path in _ACCOUNTS if host.exists(path)]
    for path, content in zip(found, locked([host.path(path) for path in found]) if found else []):
        _keep(host, path, content)
    if host.exists(state.LIMITS_MEMORY):
        _keep_limits(host)


def forget(host: Host) -> None:
    """Remove the copies."""
    for path in COPIED:
        for ending in ("", _WAL):
            host.remove(_copy(path) + ending)


def put_back(tree: Host) -> None:
    """Put the copies in a restored tree into the places of what they were made of."""
    for path in COPIED:
        for ending in ("", _WAL):
            file = tree.file(_copy(path) + ending)
            if file is not None:
                mode = state.FILES[path].mode if path in state.FILES else file.mode
                tree.write(path + ending, file._replace(mode=mode))
    forget(tree)


def locked(paths: List[str]) -> List[bytes]:
    """Read databases that nobody may change meanwhile. Returns their bytes. Raises Problem."""
    try:
        with contextlib.closing(sqlite3.connect(paths[0], timeout=_PATIENCE, isolation_level=None)) as database:
            for number, path in enumerate(paths[1:]):
                database.execute("ATTACH DATABASE ? AS other{}".format(number), (path,))
            database.execute("BEGIN IMMEDIATE")
            return _contents(paths)
    except sqlite3.Error as error:
        raise Problem("{} cannot be read: {}".format(" and ".join(paths), error))


def _keep(host: Host, path: str, content: bytes) -> None:
    host.write(_copy(path), File(content, 0o600, "root", "root"))


def _keep_limits(host: Host) -> None:
    """Copy the database of the limits, which is in a folder of its user's: that user reads it."""
    path = host.path(state.LIMITS_MEMORY)
    for ending, text in zip(("", _WAL), as_user.run(state.LIMITS_USER, lambda: _with_wal(path))):
        _keep(host, state.LIMITS_MEMORY + ending, base64.b64decode(text))


def _with_wal(path: str) -> List[str]:
    paths = [path] + [path + _WAL] * os.path.exists(path + _WAL)
    with contextlib.closing(sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        return [base64.b64encode(content).decode("ascii") for content in _contents(paths)]


def _contents(paths: List[str]) -> List[bytes]:
    """Read files. Closing one gives up SQLite's locks on it (https://www.sqlite.org/howtocorrupt.html, 2.2), so all are
    closed at the end."""
    with contextlib.ExitStack() as streams:
        opened = [streams.enter_context(open(path, "rb")) for path in paths]
        contents = [stream.read() for stream in opened]
    return contents


def _copy(path: str) -> str:
    return "{}/{}".format(state.SAVING, path.replace(state.FOLDER + "/", "").replace("/", "-"))
