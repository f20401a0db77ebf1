"""Remember how the last backup went (state.BACKUP), and judge it: a server without a fresh backup is a finding.

If the file is lost or damaged, nothing is known until the next night.
"""
import contextlib
import time
from collections import OrderedDict
from typing import Any, Dict, Iterator, NamedTuple  # noqa: F401 (Any, Dict: in a type comment)

from smallmail.backup import restic
from smallmail.findings import Finding, Group
from smallmail.machine import dates, services, state, state_files
from smallmail.machine.host import Failed, Host
from smallmail.settings import saving
from smallmail.settings.fields import Settings

TIMER, _SERVICE = "smallmail-backup.timer", "smallmail-backup.service"

_GROUP = Group("host")
_TOO_OLD = 2.5 * 86400
_CUT_OFF = 86400

Result = NamedTuple("Result", [
    ("when", int),          # of the last one that succeeded, seconds since 1970; 0: none did
    ("seconds", int),       # it took
    ("repository", str),    # as people read it
    ("files", int),
    ("size", int),          # bytes that it has
    ("added", int),         # bytes that were new
    ("pruned", int),        # when what no backup needs was deleted last
    ("note", str),          # a sentence about it
    ("begun", int),         # when the last one began
    ("error", str),         # why the last one failed; "" if it did not, or runs
])

_NONE = Result(0, 0, "", 0, 0, 0, 0, "", 0, "")


def load(host: Host) -> Result:
    """Return how the last backup went."""
    default = OrderedDict(zip(Result._fields, _NONE))   # type: Dict[str, Any]
    known = state_files.load_json(host, state.BACKUP, default)
    return Result(**{name: known[name] for name in Result._fields})


def begin(host: Host, now: float) -> None:
    """Remember that a backup has begun."""
    _save(host, load(host)._replace(begun=int(now), error=""))


def fail(host: Host, error: str) -> None:
    """Remember that it failed."""
    _save(host, load(host)._replace(error=error))


def succeed(host: Host, done: Result) -> Result:
    """Remember that it succeeded, by night or by hand. Returns the result."""
    if services.managed() and host.root == "/":
        with contextlib.suppress(Failed):
            host.run(["systemctl", "reset-failed", _SERVICE])
    _save(host, done)
    return done


def findings(host: Host, settings: Settings) -> Iterator[Finding]:
    """Check that there are backups. Yields what was found."""
    units = {unit: services.state(host, unit) if services.managed() else "active" for unit in (TIMER, _SERVICE)}
    yield from judged(load(host), settings.backup_repository, restic.is_installed(host), units, time.time())


def judged(last: Result, repository: str, is_installed: bool, units: Dict[str, str], now: float) -> Iterator[Finding]:
    """Judge the last backup. `units`: what systemd calls the states of the timer and the service. Yields what was
    found."""
    if repository == saving.OFF:
        return
    if not is_installed:
        yield _GROUP.problem("there are no backups: the package restic is not installed",
                             "If a disk fails or mail is deleted by mistake, it is lost.",
                             ["apt install restic"], advice="If you make backups in another way, type 'smallmail set"
                             " backup-repository=off'.")
    elif last.error:
        yield _GROUP.problem("the last backup failed", last.error + _since(last), ["smallmail backup now"])
    elif last.begun > last.when and now - last.begun > _CUT_OFF:
        yield _GROUP.problem("the last backup did not end", "It began {}.{}".format(
            dates.minute(last.begun), _since(last)), ["journalctl -n 20 -u smallmail-backup", "smallmail backup now"])
    elif units[_SERVICE] == "failed" and last.begun <= last.when:
        yield _GROUP.problem("{} has failed".format(_SERVICE), "The backup of the night did not even begin.{}".format(
            _since(last)), ["journalctl -n 20 -u {}".format(_SERVICE), "smallmail backup now"])
    elif units[TIMER] != "active":
        yield _GROUP.problem("{} does not run".format(TIMER), "No backup is made by night.{}".format(_since(last)),
                             ["systemctl enable --now {}".format(TIMER)])
    elif last.when and now - last.when > _TOO_OLD:
        yield _GROUP.problem("the last backup is too old", _since(last).strip(), ["smallmail backup now"])
    elif last.note:
        yield _GROUP.note("the last backup: {}".format(last.note))


def _since(last: Result) -> str:
    return " The last one that succeeded is of {}.".format(dates.minute(last.when)) if last.when else \
        " None has succeeded yet."


def _save(host: Host, known: Result) -> None:
    state_files.save_json(host, state.BACKUP, OrderedDict(zip(Result._fields, known)))
