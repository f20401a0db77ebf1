"""Run restic on this host's repository. Secrets get to it by files and by the environment, never as arguments."""
import binascii
import contextlib
import json
import os
import re
from typing import Any, Callable, Dict, Iterator, List

from smallmail.errors import Problem
from smallmail.machine import state, state_files
from smallmail.machine.file import File, bytes_of, text_of
from smallmail.machine.host import Failed, Host
from smallmail.settings import saving
from smallmail.settings.fields import Settings

LOCAL = "var/backups/smallmail"
PASSWORD = "etc/smallmail/backup-password"  # noqa: S105 (where it is)
ENVIRONMENT = "etc/smallmail/backup.env"
TAG = "smallmail"

_PROGRAM = "usr/bin/restic"
_CACHE = "var/cache/smallmail"
_SCRATCH = state.MACHINE + "/restoring"

# What restic says if there is no repository yet (all versions), and if its password is another one.
_MISSING = "Is there a repository at the following location?"
_WRONG_PASSWORD = "wrong password or no key found"  # noqa: S105 (what restic says)


def is_installed(host: Host) -> bool:
    """Tell whether restic is there."""
    return host.exists(_PROGRAM)


def folder(settings: Settings) -> str:
    """Return the repository's path without the leading slash, if it is a folder of this host; else ""."""
    place = str(settings.backup_repository)
    if place == saving.LOCAL:
        return LOCAL
    return place[1:] if place.startswith("/") else ""


def where(settings: Settings) -> str:
    """Return where backups go, for people."""
    path = folder(settings)
    return "/" + path if path else str(settings.backup_repository)


def prepare(host: Host, settings: Settings, is_known: bool) -> bool:
    """Let restic know the repository, and make it if it does not exist; but not where there was one before
    (`is_known`): its disk may not be mounted. Returns whether it is new. Raises Problem."""
    _set_environment(host, settings)
    path = folder(settings)
    try:
        run(host, ["cat", "config"])
        run(host, ["unlock"])   # what a run that was killed has left: restic knows which that is
        return False
    except Failed as error:
        if _WRONG_PASSWORD in str(error):
            raise Problem("the repository {} has another password than /{}".format(where(settings), PASSWORD))
        if _MISSING not in str(error):
            raise
    if is_known:
        raise Problem("the repository {0} has gone: mount its disk (if it is to begin anew: 'smallmail backup now"
                      " --new')".format(where(settings)))
    if path:
        host.directory(path, 0o700)
    run(host, ["init"])
    return True


def use(host: Host, settings: Settings) -> None:
    """Let restic know a repository that exists. Raises Problem."""
    if not host.exists(PASSWORD):
        raise Problem("/{} does not exist: write the password of the repository into it".format(PASSWORD))
    _set_environment(host, settings)


def keep_password(host: Host, password: str) -> None:
    """Write the password of the repository into root's own file."""
    host.directory(os.path.dirname(PASSWORD))
    host.write(PASSWORD, File(bytes_of(password.strip() + "\n"), 0o600, "root", "root"))


@contextlib.contextmanager
def scratch(host: Host) -> Iterator[str]:
    """Provide an empty folder of root's to restore into, which is removed afterwards. Yields its path."""
    host.run(["rm", "-rf", host.path(_SCRATCH)])
    state_files.make_folder(host, state.MACHINE)
    host.directory(_SCRATCH, 0o700)
    try:
        yield _SCRATCH
    finally:
        host.run(["rm", "-rf", host.path(_SCRATCH)])


def run(host: Host, words: List[str]) -> str:
    """Run one command of restic's. Returns its output. Raises Failed."""
    return host.run([host.path(_PROGRAM)] + words)


def told(host: Host, words: List[str], heard: Callable[[Dict[str, Any]], None]) -> None:
    """Run one command of restic's with --json. `heard` gets each object that it says. Raises Failed."""
    def line(text: str) -> None:
        if text.startswith("{"):
            heard(json.loads(text))

    host.run([host.path(_PROGRAM)] + words + ["--json"], heard=line)


def loaded(host: Host, words: List[str]) -> Any:
    """Run one command of restic's with --json. Returns what it says. Raises Problem."""
    said = run(host, words + ["--json"])
    try:
        return json.loads(said[min([said.find(mark) for mark in "[{" if mark in said] or [0]):])
    except ValueError:
        raise Problem("restic {} said what cannot be read: {}".format(words[0], said.strip()[:200]))


def _set_environment(host: Host, settings: Settings) -> None:
    for path in (PASSWORD, ENVIRONMENT):
        _must_be_closed(host, path)
    os.environ.update(_environment(host))
    if settings.backup_repository != saving.ENVIRONMENT:
        os.environ["RESTIC_REPOSITORY"] = host.path(folder(settings)) if folder(settings) else where(settings)
    elif not os.environ.get("RESTIC_REPOSITORY"):
        raise Problem("/{} has no line RESTIC_REPOSITORY=…, and backup-repository is environment".format(ENVIRONMENT))
    if not host.exists(PASSWORD):
        secret = binascii.hexlify(os.urandom(24)) + b"\n"
        host.write(PASSWORD, File(secret, 0o600, "root", "root"))
    os.environ["RESTIC_PASSWORD_FILE"] = host.path(PASSWORD)
    os.environ["RESTIC_CACHE_DIR"] = host.path(_CACHE)
    os.environ["RESTIC_PROGRESS_FPS"] = "1"


def _environment(host: Host) -> Dict[str, str]:
    """Read the admin's lines for restic. Raises Problem."""
    file = host.file(ENVIRONMENT)
    found = {}
    for line in text_of(file.content).splitlines() if file else ():
        name, equals, value = line.strip().partition("=")
        if not name or name.startswith("#"):
            continue
        if not equals or not re.fullmatch(r"(RESTIC|AWS|AZURE|B2|GOOGLE|OS|ST|RCLONE)_[A-Z0-9_]+", name):
            raise Problem("/{}: '{}' is not a variable of restic's: write lines as in AWS_ACCESS_KEY_ID=…".format(
                ENVIRONMENT, name))
        found[name] = value.strip("'\"")
    return found


def _must_be_closed(host: Host, path: str) -> None:
    file = host.file(path)
    if file and (file.mode & 0o077 or file.owner != "root"):
        raise Problem("others than root can read /{0}: type 'chown root: /{0}' and 'chmod 600 /{0}'".format(path))
