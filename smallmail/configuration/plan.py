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
from collections import OrderedDict
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional

from smallmail.configuration.record import KINDS, Record, before_us, fingerprint, things
from smallmail.configuration.tree import OFF, Tree
from smallmail.daemons import table
from smallmail.errors import WrongUsage
from smallmail.machine.file import File, is_readable_by_all, text_of

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

# Up to 0.3.0 one file had all of Dovecot's settings but the databases; now each topic has a file of its own.
ONE_FILE = "etc/dovecot/conf.d/95-smallmail.conf"
_TOPIC = "etc/dovecot/conf.d/95-smallmail-"
_ADVICE = (" in place of 95-smallmail-*.conf. To use those, move your lines to /etc/dovecot/local.conf and type"
           " 'smallmail apply --replace /{}'".format(ONE_FILE))


def changes(wanted: Tree, record: Record, now: Tree, taken_over: Iterable[str] = (),
            replace: Iterable[str] = ()) -> List[Change]:
    """Return all that is to be done or to be reported, files first.

    `taken_over`: files that smallmail may replace, although it did not write them. `replace`: labels of what was
    changed by hand and is to be ours again all the same. Raises WrongUsage if one of those was not changed by hand.
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
            raise WrongUsage("'{}' was not changed by hand: 'smallmail plan' lists what was".format(name))
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


def place(change: Change) -> str:
    """Return where the change is, for people."""
    return {"files": "/" + change.name, "parameters": "main.cf: " + change.name,
            "services": "master.cf: " + change.name}[change.kind]


def describe(change: Change) -> str:
    """Describe one change in one line."""
    what = place(change)
    if change.action == CONFLICT:
        return "{}: changed by hand; smallmail would now write something else, but keeps your version{}".format(
            what, _advice(change))
    if change.action == EDITED:
        return "{}: changed by hand: smallmail keeps your version{}".format(what, _advice(change))
    if change.wanted is None or (change.kind == "services" and change.wanted == OFF):
        return "{}: remove".format(what)
    return "{}: {}".format(what, "create" if change.now is None else "change")


def _advice(change: Change) -> str:
    """Return what to do about the file that stays whole only because an admin changed it; "" for all others."""
    is_kept_whole = (change.kind, change.name) == ("files", ONE_FILE) and change.wanted is not None
    return _ADVICE if is_kept_whole else ""


def diff(change: Change) -> Iterator[str]:
    """Yield the change as lines of a unified diff, but never the content of a file that contains a secret."""
    if _is_secret(change):
        yield "  (not shown: it contains a secret)"
        return
    for line in list(difflib.unified_diff(_lines(change, change.now), _lines(change, change.wanted), lineterm=""))[2:]:
        if not line.startswith("@@"):
            yield "  " + line


def kept_whole(target: Tree, record: Record, now: Tree, versions: Dict[str, str], replace: Iterable[str]) -> Tree:
    """Return the wanted tree; if an admin has changed the one file of 0.3.0, with that file instead of its successors.

    Dovecot must not read both: it would load plugins twice, and what the admin removed would come back. The one file
    then has the content of all its successors, so that the table above applies to it as to every other file.

    `versions` are those of the daemons now, `replace` the labels of what the admin gives up.
    """
    topics = sorted(path for path in target.files if path.startswith(_TOPIC))
    is_given_up = "/" + ONE_FILE in replace
    if not topics or is_given_up or not _is_one_file_changed(record, now) or _is_refused(record, versions):
        return target
    files = OrderedDict((path, file) for path, file in target.files.items() if path not in topics)
    content = b"\n".join(target.files[path].content for path in topics)
    files[ONE_FILE] = target.files[topics[0]]._replace(content=content)
    return target._replace(files=files)


def _is_one_file_changed(record: Record, now: Tree) -> bool:
    """Tell whether smallmail wrote the one file last, and not its successors, and somebody changed or deleted it."""
    entry = record.entries["files"].get(ONE_FILE)
    if entry is None or entry.written is None or any(path.startswith(_TOPIC) for path in record.entries["files"]):
        return False
    return fingerprint(now.files.get(ONE_FILE)) != entry.written


def _is_refused(record: Record, versions: Dict[str, str]) -> bool:
    """Tell whether Dovecot came to 2.4 since: it refuses files for 2.3, so apply sets the admin's file aside."""
    old_language = ("2.2.", "2.3.")
    return (record.versions.get("dovecot", "").startswith(old_language)
            and not versions["dovecot"].startswith(old_language))


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
        return text_of(thing.content).splitlines()
    if thing is None or change.kind == "parameters":
        return [] if thing is None else ["{} = {}".format(change.name, thing)]
    return [thing] if thing != OFF else []
