"""Passwords of mailboxes: hashed by Dovecot itself, in the strongest scheme that the installed one has."""
import base64
import contextlib
import getpass
import os
import pty
from typing import List

from smallmail.errors import Problem
from smallmail.machine.host import Host
from smallmail.settings import values

# Strongest first (https://doc.dovecot.org, "Password schemes"). Stretch's Dovecot has the last one only.
_SCHEMES = ["ARGON2ID", "BLF-CRYPT", "SHA512-CRYPT"]


def hashed(host: Host, password: str) -> str:
    """The password's hash with its {SCHEME}; raises Problem when the password will not do."""
    _must_do(password)
    known = host.run(["doveadm", "pw", "-l"]).split()
    scheme = next(scheme for scheme in _SCHEMES if scheme in known)
    # doveadm asks twice; without a terminal it reads its standard input, so that nothing stands in argv.
    said = host.run(["doveadm", "pw", "-s", scheme], "{}\n{}\n".format(password, password))
    for line in said.splitlines():
        start = line.find("{" + scheme + "}")
        if start >= 0:
            return line[start:].strip()
    raise Problem("'doveadm pw' made no {} hash".format(scheme))


def typed(prompt: str) -> str:
    """What somebody types twice at the terminal, unseen; raises Problem when it is not the same."""
    password = getpass.getpass(prompt)
    if getpass.getpass("The same once more: ") != password:
        raise Problem("the two are not the same: nothing was changed")
    return password


def generated() -> str:
    """A new random password of 120 bits, easy to read out."""
    return base64.b32encode(os.urandom(15)).decode("ascii").lower()


def rspamd_hash(password: str) -> str:
    """The hash that Rspamd's controller takes, as 'rspamadm pw' prints it; raises Problem as hashed() does."""
    _must_do(password)
    said = _told_on_a_terminal(["rspamadm", "pw", "-e"], password)
    found = [word for word in said.split() if word.startswith("$")]
    if not found:
        raise Problem("'rspamadm pw' made no hash of that password")
    return found[-1]


def _must_do(password: str) -> None:
    try:
        values.password(password)
    except ValueError as error:
        raise Problem(str(error))


def _told_on_a_terminal(command: List[str], password: str) -> str:
    """What a command says that reads a password from its terminal and from nowhere else but argv (rspamadm pw)."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(command[0], command)
    said = b""
    with contextlib.suppress(OSError):  # EIO: the child has closed its side
        while True:
            chunk = os.read(terminal, 1024)
            if not chunk:
                break
            said += chunk
            # Told only once it asks: by then it has switched the echo off.
            if said.rstrip().endswith(b":"):
                os.write(terminal, password.encode("utf-8") + b"\n")
    os.close(terminal)
    os.waitpid(child, 0)
    return said.decode("utf-8", "replace")
