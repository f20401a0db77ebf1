"""Passwords: typed, generated, and hashed by Dovecot itself in the strongest scheme that the installed one has."""
import contextlib
import os
from typing import List

from smallmail.errors import Problem, WrongUsage
from smallmail.machine.host import Host
from smallmail.settings import values

# Strongest first (https://doc.dovecot.org, "Password schemes"). Stretch's Dovecot has the last one only.
_SCHEMES = ["ARGON2ID", "BLF-CRYPT", "SHA512-CRYPT"]


_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"   # those of base32 (RFC 4648): 1 and l, 0 and o are not both there


def hashed(host: Host, password: str) -> str:
    """Return the password's hash with its {SCHEME}. Raises WrongUsage if the password is not acceptable."""
    _must_be_good(password)
    known = host.run(["doveadm", "pw", "-l"]).split()
    scheme = next(scheme for scheme in _SCHEMES if scheme in known)
    # doveadm asks twice; without a terminal it reads its standard input, so that nothing is in argv.
    output = host.run(["doveadm", "pw", "-s", scheme], "{}\n{}\n".format(password, password))
    for line in output.splitlines():
        start = line.find("{" + scheme + "}")
        if start >= 0:
            return line[start:].strip()
    raise Problem("'doveadm pw' made no {} hash".format(scheme))


def typed(prompt: str) -> str:
    """Ask for a password twice at the terminal and return it. Raises WrongUsage if the two are not the same."""
    import getpass  # noqa: PLC0415 (this and pty: only where a password is typed)

    password = getpass.getpass(prompt)
    if getpass.getpass("Repeat password: ") != password:
        raise WrongUsage("the passwords do not match: nothing was changed")
    return password


def generated() -> str:
    """Return a new random password of 120 bits, easy to read out."""
    return "".join(_LETTERS[byte % 32] for byte in os.urandom(24))


def rspamd_hash(password: str) -> str:
    """Return the hash that Rspamd's controller takes, as 'rspamadm pw' prints it. Raises as hashed() does."""
    _must_be_good(password)
    output = _run_on_a_terminal(["rspamadm", "pw", "-e"], password)
    found = [word for word in output.split() if word.startswith("$")]
    if not found:
        raise Problem("'rspamadm pw' made no hash of that password")
    return found[-1]


def _must_be_good(password: str) -> None:
    try:
        values.password(password)
    except ValueError as error:
        raise WrongUsage(str(error))


def _run_on_a_terminal(command: List[str], password: str) -> str:
    """Return the output of a command that reads a password only from its terminal or from argv (rspamadm pw)."""
    import pty  # noqa: PLC0415

    child, terminal = pty.fork()
    if child == 0:
        os.execvp(command[0], command)
    output = b""
    with contextlib.suppress(OSError):  # EIO: the child has closed its side
        while True:
            chunk = os.read(terminal, 1024)
            if not chunk:
                break
            output += chunk
            # Written only once it asks: by then it has switched the echo off.
            if output.rstrip().endswith(b":"):
                os.write(terminal, password.encode("utf-8") + b"\n")
    os.close(terminal)
    os.waitpid(child, 0)
    return output.decode("utf-8", "replace")
