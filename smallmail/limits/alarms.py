"""Keep letters that are to be sent at once, in a folder; and send them, by mail and by `notify`.

The service that limits what is sent writes them; it has no network. `run alarms` sends them, as the same user. A letter
stays until Postfix has accepted it; `notify` is tried several times, because mail may be what is broken.
"""
import contextlib
import email.utils
import json
import os
import sys
import time
import urllib.request
from typing import Any, Callable, Dict, List

from smallmail.limits.configured import Configured
from smallmail.limits.told import Letter
from smallmail.machine import probes, state
from smallmail.machine.file import File
from smallmail.machine.host import Failed, Host

_TRIES = 10                 # of `notify`
_TIMEOUT = 30               # seconds, for a program, a web server, and Postfix
_TOO_OLD = 3 * 86400        # seconds
_MANY = 1000                # letters: more are not kept


def put(host: Host, letter: Letter) -> None:
    """Keep a letter until it is sent. Raises OSError."""
    # Notices to users take half of the room only, so that an alarm always finds some.
    if len(host.names(state.ALARMS)) < (_MANY if letter.is_alarm else _MANY // 2):
        name = "{:.6f}-{}".format(time.time(), os.getpid())
        _save(host, name, dict(letter._asdict(), tries=0, is_mailed=False))


def send_all(host: Host, configured: Configured) -> bool:
    """Send what is kept, the oldest first. Returns whether nothing is left."""
    for name in _names(host):
        kept = _load(host, name)
        if kept is None or time.time() - _since(name) > _TOO_OLD:
            _forget(host, name)
            continue
        letter = Letter(kept["to"], kept["subject"], kept["text"], kept["is_alarm"])
        if letter.is_alarm and configured.notify and kept["tries"] < _TRIES:
            kept["tries"] = _TRIES if _attempt(notify, host, configured, letter) else kept["tries"] + 1
        kept["is_mailed"] = kept["is_mailed"] or _attempt(mail, host, configured, letter)
        if kept["is_mailed"] and (kept["tries"] >= _TRIES or not letter.is_alarm or not configured.notify):
            _forget(host, name)
        else:
            _save(host, name, kept)
    return not _names(host)


def notify(host: Host, configured: Configured, letter: Letter) -> None:
    """Tell the program or the web server of the setting `notify`. Raises Failed or OSError."""
    said = "{}\n\n{}".format(letter.subject, letter.text)
    if configured.notify.startswith("/"):
        host.run([configured.notify], said, seconds=_TIMEOUT)
        return
    request = urllib.request.Request(configured.notify, said.encode("utf-8"),
                                     {"Content-Type": "text/plain; charset=utf-8", "User-Agent": "smallmail"})
    with contextlib.closing(urllib.request.urlopen(request, timeout=_TIMEOUT)) as answer:
        answer.read(1024)


def mail(_: Host, configured: Configured, letter: Letter) -> None:
    """Give a letter to Postfix. Raises OSError, which smtplib's errors are."""
    head = [("From", configured.postmaster), ("To", letter.to), ("Subject", letter.subject),
            ("Date", email.utils.formatdate()), ("Message-ID", email.utils.make_msgid(domain=configured.hostname)),
            ("Auto-Submitted", "auto-generated"), ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"), ("Content-Transfer-Encoding", "8bit")]
    lines = ["{}: {}".format(name, " ".join(value.split())) for name, value in head] + ["", letter.text]
    with probes.smtp("127.0.0.1", 25, _TIMEOUT, name=configured.hostname) as connection:
        connection.sendmail(configured.postmaster, [letter.to], "\n".join(lines).encode("utf-8"))


def _attempt(way: Callable[[Host, Configured, Letter], None], *given: Any) -> bool:
    try:
        way(*given)
    except (Failed, OSError, ValueError) as error:
        print("smallmail: {} failed: {}".format(way.__name__, str(error)[:500]), file=sys.stderr)
        return False
    return True


def _names(host: Host) -> List[str]:
    return sorted(name for name in host.names(state.ALARMS) if not name.startswith("."))


def _since(name: str) -> float:
    """Return when the letter of that name was put there; 0 for a name that put() does not give."""
    try:
        return float(name.partition("-")[0])
    except ValueError:
        return 0.0


def _load(host: Host, name: str) -> Any:
    try:
        kept = json.loads(host.text(_path(name)))
        return kept if isinstance(kept, dict) and set(kept) == {*Letter._fields, "tries", "is_mailed"} else None
    except (OSError, ValueError):
        return None


def _save(host: Host, name: str, kept: Dict[str, Any]) -> None:
    host.write(_path(name), File(json.dumps(kept).encode("utf-8"), 0o600, state.LIMITS_USER, state.LIMITS_USER))


def _forget(host: Host, name: str) -> None:
    with contextlib.suppress(OSError):
        host.remove(_path(name))


def _path(name: str) -> str:
    return "{}/{}".format(state.ALARMS, name)
