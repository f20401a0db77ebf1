"""The plan: from what is wanted, what we wrote last and what is there now to what is to be done. Pure.

    written last   there now         wanted        ->
    (never)        nothing           W                SET
    (never)        W                 W                nothing to do: recorded as it is
    (never)        X                 W                SET for what is shared (Postfix, /etc/mailname), and when a host
                                                      is taken over; else CONFLICT
    L              L                 W                SET
    L              L                 nothing          GIVE_BACK
    L              X                 L                EDITED: an admin's change, it stays
    L              X                 W or nothing     CONFLICT: both changed; the admin's stays until he decides
"""
import difflib
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional

from smallmail.configuration import record as configuration_record
from smallmail.configuration.record import KINDS, Record, fingerprint, things
from smallmail.configuration.tree import OFF, Tree
from smallmail.errors import Problem
from smallmail.machine.file import File

SET = "set"
GIVE_BACK = "give back"
CONFLICT = "conflict"
EDITED = "edited"

Change = NamedTuple("Change", [
    ("kind", str),      # files, parameters or services
    ("name", str),
    ("action", str),
    ("now", Any),
    ("wanted", Any),    # what SET writes; for GIVE_BACK what stood there before us
])

# Files that other packages and the admin write too: ours replaces them, theirs comes back on removal.
SHARED_FILES = {"etc/mailname"}

# What may not be shown to those who look over an admin's shoulder.
SECRET_FILES = {"etc/postfix/smallmail/relay-password", "etc/rspamd/local.d/worker-controller.inc"}


def changes(wanted: Tree, record: Record, now: Tree, taken_over: Iterable[str] = (),
            replace: Iterable[str] = ()) -> List[Change]:
    """All that is to be done or to be told, files first. `taken_over`: files in whose place ours may be put, although
    we did not write them. `replace`: labels of what was changed by hand and is to be ours again all the same; raises
    Problem for one that was not."""
    found = []
    for kind in KINDS:
        for name in sorted(set(things(wanted, kind)) | set(record.entries[kind])):
            change = _change(kind, name, things(wanted, kind).get(name), record, things(now, kind).get(name),
                             name in taken_over)
            if change is not None:
                found.append(change)
    labels = {label(change) for change in by_hand(found)}
    for word in replace:
        if word not in labels:
            raise Problem("'{}' is nothing that was changed by hand: 'smallmail plan' lists what was".format(word))
    return [_replacing(change, record) if label(change) in replace else change for change in found]


def _replacing(change: Change, record: Record) -> Change:
    if change.action not in (CONFLICT, EDITED):
        return change
    if change.wanted is not None:
        return change._replace(action=SET)
    return change._replace(action=GIVE_BACK, wanted=_before(change.kind, record.entries[change.kind][change.name]))


def label(change: Change) -> str:
    """What an admin calls a thing: a file by its full path, a parameter of main.cf or a service of master.cf by its
    name."""
    return "/" + change.name if change.kind == "files" else change.name


def to_do(all_changes: List[Change]) -> List[Change]:
    """Those that apply would carry out."""
    return [change for change in all_changes if change.action in (SET, GIVE_BACK)]


def by_hand(all_changes: List[Change]) -> List[Change]:
    """Those that tell of an admin's own change."""
    return [change for change in all_changes if change.action in (CONFLICT, EDITED)]


def _change(kind: str, name: str, wanted: Any, record: Record, now: Any, taken_over: bool) -> Optional[Change]:
    entry = record.entries[kind].get(name)
    written = entry.written if entry else None
    if kind == "services" and now is None and OFF in (wanted, written):
        now = OFF
    if fingerprint(now) == fingerprint(wanted):
        return None
    if written is None:
        shared = kind != "files" or name in SHARED_FILES or taken_over
        return Change(kind, name, SET if now is None or shared else CONFLICT, now, wanted)
    if fingerprint(now) == written:
        if wanted is not None:
            return Change(kind, name, SET, now, wanted)
        return Change(kind, name, GIVE_BACK, now, _before(kind, entry))
    if fingerprint(wanted) == written:
        return Change(kind, name, EDITED, now, wanted)
    return Change(kind, name, CONFLICT, now, wanted)


def _before(kind: str, entry: Any) -> Any:
    return configuration_record.file_from_json(entry.before) if kind == "files" else entry.before


def wanted(changes: List[Change], kind: str) -> Dict[str, Any]:
    """Return what these changes of one kind ask for, by name."""
    return {change.name: change.wanted for change in changes if change.kind == kind}


def describe(change: Change) -> str:
    """One line on one change."""
    what = {"files": "/" + change.name, "parameters": "main.cf: " + change.name,
            "services": "master.cf: " + change.name}[change.kind]
    if change.action == CONFLICT:
        return "{}: changed by hand, and smallmail would now write something else: yours stays".format(what)
    if change.action == EDITED:
        return "{}: changed by hand: yours stays".format(what)
    if change.wanted is None or (change.kind == "services" and change.wanted == OFF):
        return "{}: remove".format(what)
    return "{}: {}".format(what, "make" if change.now is None else "change")


def diff(change: Change) -> Iterator[str]:
    """The change as lines of a unified diff; the content of secret files is not shown."""
    if change.name in SECRET_FILES:
        yield "  (not shown: it holds a secret)"
        return
    for line in list(difflib.unified_diff(_lines(change, change.now), _lines(change, change.wanted), lineterm=""))[2:]:
        if not line.startswith("@@"):
            yield "  " + line


def _lines(change: Change, thing: Any) -> List[str]:
    if isinstance(thing, File):
        return thing.content.decode("utf-8", "replace").splitlines()
    if thing is None or change.kind == "parameters":
        return [] if thing is None else ["{} = {}".format(change.name, thing)]
    return [thing] if thing != OFF else []
