"""The plan: what is to be done, from what is wanted, what smallmail wrote last and what is on the host now. Pure.

    written last   on the host now   wanted        ->
    (never)        nothing           W                SET
    (never)        W                 W                nothing to do: recorded as it is
    (never)        X                 W                SET for what is shared (Postfix, /etc/mailname), and when a host
                                                      is taken over; else CONFLICT
    L              L                 W                SET
    L              L                 nothing          GIVE_BACK
    L              X                 L                EDITED: an admin's change, it stays
    L              X                 W or nothing     CONFLICT: both changed; the admin's stays until the admin decides
"""
import difflib
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional

from smallmail.configuration.record import KINDS, Record, before_us, fingerprint, things
from smallmail.configuration.tree import OFF, Tree
from smallmail.daemons import table
from smallmail.errors import Problem
from smallmail.machine.file import File, is_readable_by_all

SET = "set"
GIVE_BACK = "give back"
CONFLICT = "conflict"
EDITED = "edited"

Change = NamedTuple("Change", [
    ("kind", str),      # files, parameters or services
    ("name", str),
    ("action", str),
    ("now", Any),
    ("wanted", Any),    # what SET writes; for GIVE_BACK what existed before smallmail
])

# Files that other packages and the admin write too: ours replaces them, theirs comes back on removal.
SHARED_FILES = {"etc/mailname"}


def changes(wanted: Tree, record: Record, now: Tree, taken_over: Iterable[str] = (),
            replace: Iterable[str] = ()) -> List[Change]:
    """Return all that is to be done or to be reported, files first.

    `taken_over`: files that smallmail may replace, although it did not write them. `replace`: labels of what was
    changed by hand and is to be ours again all the same. Raises Problem if one of those was not changed by hand.
    """
    all_changes = []
    for kind in KINDS:
        for name in sorted(set(things(wanted, kind)) | set(record.entries[kind])):
            change = _change(kind, name, things(wanted, kind).get(name), record, things(now, kind).get(name),
                             name in taken_over)
            if change is not None:
                all_changes.append(change)
    labels = {label(change) for change in by_hand(all_changes)}
    for name in replace:
        if name not in labels:
            raise Problem("'{}' was not changed by hand: 'smallmail plan' lists what was".format(name))
    return [_replacing(change, record) if label(change) in replace else change for change in all_changes]


def label(change: Change) -> str:
    """Return what an admin calls the thing: the full path of a file, the name of a parameter or service."""
    return "/" + change.name if change.kind == "files" else change.name


def to_do(all_changes: List[Change]) -> List[Change]:
    """Return the changes that apply carries out."""
    return [change for change in all_changes if change.action in (SET, GIVE_BACK)]


def by_hand(all_changes: List[Change]) -> List[Change]:
    """Return the changes that report what an admin changed."""
    return [change for change in all_changes if change.action in (CONFLICT, EDITED)]


def wanted(all_changes: List[Change], kind: str) -> Dict[str, Any]:
    """Return what the changes of that kind want, by name."""
    return {change.name: change.wanted for change in all_changes if change.kind == kind}


def describe(change: Change) -> str:
    """Describe one change in one line."""
    what = {"files": "/" + change.name, "parameters": "main.cf: " + change.name,
            "services": "master.cf: " + change.name}[change.kind]
    if change.action == CONFLICT:
        return "{}: changed by hand; smallmail would now write something else, but keeps your version".format(what)
    if change.action == EDITED:
        return "{}: changed by hand: smallmail keeps your version".format(what)
    if change.wanted is None or (change.kind == "services" and change.wanted == OFF):
        return "{}: remove".format(what)
    return "{}: {}".format(what, "create" if change.now is None else "change")


def diff(change: Change) -> Iterator[str]:
    """Yield the change as lines of a unified diff, but never the content of a file that contains a secret."""
    if _is_secret(change):
        yield "  (not shown: it contains a secret)"
        return
    for line in list(difflib.unified_diff(_lines(change, change.now), _lines(change, change.wanted), lineterm=""))[2:]:
        if not line.startswith("@@"):
            yield "  " + line


def _change(kind: str, name: str, wanted_thing: Any, record: Record, now: Any, taken_over: bool) -> Optional[Change]:
    """Decide on one thing by the table above; None if there is nothing to do."""
    entry = record.entries[kind].get(name)
    written = entry.written if entry else None
    if kind == "services" and now is None and OFF in (wanted_thing, written):
        now = OFF
    if fingerprint(now) == fingerprint(wanted_thing):
        return None
    if entry is None or written is None:
        shared = kind != "files" or name in SHARED_FILES or taken_over
        return Change(kind, name, SET if now is None or shared else CONFLICT, now, wanted_thing)
    if fingerprint(now) == written:
        if wanted_thing is not None:
            return Change(kind, name, SET, now, wanted_thing)
        return Change(kind, name, GIVE_BACK, now, before_us(kind, entry))
    if fingerprint(wanted_thing) == written:
        return Change(kind, name, EDITED, now, wanted_thing)
    return Change(kind, name, CONFLICT, now, wanted_thing)


def _replacing(change: Change, record: Record) -> Change:
    """Turn a change that reports an admin's version into one that replaces it."""
    if change.action not in (CONFLICT, EDITED):
        return change
    if change.wanted is not None:
        return change._replace(action=SET)
    return change._replace(action=GIVE_BACK, wanted=before_us(change.kind, record.entries[change.kind][change.name]))


def _is_secret(change: Change) -> bool:
    """Tell whether the change is of a file that not everybody may read, before it or after it."""
    modes = [thing.mode for thing in (change.now, change.wanted) if isinstance(thing, File)]
    return change.kind == "files" and (change.name in table.SECRET or not all(map(is_readable_by_all, modes)))


def _lines(change: Change, thing: Any) -> List[str]:
    if isinstance(thing, File):
        return thing.content.decode("utf-8", "replace").splitlines()
    if thing is None or change.kind == "parameters":
        return [] if thing is None else ["{} = {}".format(change.name, thing)]
    return [thing] if thing != OFF else []
