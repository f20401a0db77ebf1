"""Choose a backup out of those that the repository has."""
import calendar
import re
import time
from typing import Any, List, NamedTuple

from smallmail.backup import restic
from smallmail.errors import Problem, WrongUsage
from smallmail.machine import dates
from smallmail.machine.host import Host

Made = NamedTuple("Made", [
    ("number", str),        # restic's short id
    ("when", float),        # seconds since 1970
    ("hostname", str),
    ("paths", List[str]),   # what was saved
])

_DAY = 86400
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def load(host: Host) -> List[Made]:
    """Return the backups in the repository, the oldest first. Raises Problem."""
    found = restic.loaded(host, ["snapshots", "--tag", restic.TAG]) or []
    return sorted((_made(each) for each in found), key=lambda made: made.when)


def chosen(found: List[Made], at: str, hostname: str, now: float) -> Made:
    """Return the last backup that was made by a time, as in moment(); the last of all if that is "". Raises Problem if
    there is none, or if backups of several hosts are there and `hostname` is ""."""
    names = sorted({made.hostname for made in found})
    if len(names) > 1 and not hostname:
        raise WrongUsage("the repository has backups of {}: choose one with --host".format(" and ".join(names)))
    end = moment(at, now) if at else now
    fitting = [made for made in found if made.when <= end and hostname in ("", made.hostname)]
    if not fitting:
        raise Problem("there is no backup{}{}: 'smallmail backup list' lists those that are".format(
            " of " + hostname if hostname else "", " made by " + dates.minute(end) if at else ""))
    return fitting[-1]


def moment(text: str, now: float) -> float:
    """Return the end of what is meant by a date (2026-11-24), a minute (2026-11-24 15:30, UTC), a day of the last week
    (tuesday) or so many days ago (3d). Raises WrongUsage."""
    word = text.strip().lower()
    if word in _WEEKDAYS:
        today = time.gmtime(now).tm_wday
        ago = (today - _WEEKDAYS.index(word)) % 7 or 7
        return _end_of_day(now - ago * _DAY)
    if re.fullmatch(r"[0-9]{1,5}d", word):
        return _end_of_day(now - int(word[:-1]) * _DAY)
    for form, is_day in (("%Y-%m-%d", True), ("%Y-%m-%d %H:%M", False), ("%Y-%m-%dt%H:%M", False)):
        try:
            found = float(calendar.timegm(time.strptime(word, form)))
        except ValueError:
            continue
        return _end_of_day(found) if is_day else found + 59
    raise WrongUsage("'{}' is not a time: type it as in 2026-11-24, '2026-11-24 15:30' (UTC), tuesday or 3d".format(
        text))


def _end_of_day(seconds: float) -> float:
    return seconds - seconds % _DAY + _DAY - 1


def _made(told: Any) -> Made:
    when = calendar.timegm(time.strptime(told["time"][:19], "%Y-%m-%dT%H:%M:%S"))
    zone = re.search(r"([+-])([0-9]{2}):([0-9]{2})$", told["time"])
    if zone:
        away = int(zone.group(2)) * 3600 + int(zone.group(3)) * 60
        when += -away if zone.group(1) == "+" else away
    return Made(told["short_id"], float(when), told["hostname"], list(told["paths"]))
