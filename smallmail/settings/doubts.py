"""Answers that may be typos when a host that is set up is asked again: they must be given twice.

This module is also part of the package's debconf `config` script, where only Python's standard library is at hand.
"""
import contextlib
import os
import socket
from typing import Callable

from smallmail.machine import state
from smallmail.settings import file_reader, values


def doubt(name: str, text: str, root: str) -> str:
    """Return a sentence if the answer to a question (by its name) should be given twice; else "". `root`: the host's
    root folder."""
    if name == "address":
        return _of_address(text, root)
    return _of_hostname(text, root) if name == "hostname" else ""


def _of_address(text: str, root: str) -> str:
    """Doubt a first mailbox that does not exist on a host that has mailboxes."""
    if not _is_changed("address", text, values.mailbox, root) or _has_mailbox(text, root):
        return ""
    return "there is no mailbox {}: give the same answer again to create it, with postmaster's mail".format(text)


def _is_changed(name: str, text: str, check: Callable[[str], str], root: str) -> bool:
    """Tell whether an answer differs from a setting that is right."""
    try:
        return text != check(file_reader.load(root).get(name, text))
    except ValueError:
        return False


def _has_mailbox(address: str, root: str) -> bool:
    """Tell whether there is a mailbox of that address; also if that cannot be known."""
    try:
        import sqlite3  # noqa: PLC0415 (a part of Python that may not be there yet)

        database = sqlite3.connect("file:{}?mode=ro".format(os.path.join(root, state.ACCOUNTS)), uri=True)
        with contextlib.closing(database):
            return database.execute("SELECT 1 FROM mailbox WHERE address = ?", (address,)).fetchone() is not None
    except Exception:
        return True


def _of_hostname(text: str, root: str) -> str:
    """Doubt a new name of a host that has another one, if DNS does not know it."""
    if not _is_changed("hostname", text, values.hostname, root) or _has_address(text):
        return ""
    return "DNS has no address of {}: give the same answer again to use it; the present certificate stays in use" \
        " until there is one for this name".format(text)


def _has_address(name: str) -> bool:
    """Tell whether a resolver finds an address of that name; also if it does not answer."""
    try:
        socket.getaddrinfo(name, 25)
    except socket.gaierror as error:
        return error.errno not in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
    except (OSError, UnicodeError):
        pass
    return True
