"""The record: of each thing that smallmail set, what existed before it and what smallmail wrote last.

It is in the file state.RECORD, readable by root alone: what existed before may contain secrets.
"""
import base64
import hashlib
import json
from collections import OrderedDict
from typing import Any, Callable, Container, Dict, List, NamedTuple, Optional, Tuple

from smallmail.configuration.tree import Tree
from smallmail.errors import Problem
from smallmail.machine import state
from smallmail.machine.file import File
from smallmail.resources import Resources

KINDS = ("files", "parameters", "services")

# `before`: None if the thing did not exist; a parameter's or service's text; a file as from file_to_json().
# `written`: the fingerprint of what smallmail wrote last, None once it was given back.
Entry = NamedTuple("Entry", [("before", Any), ("written", Optional[str])])

# `entries` by kind and name. `originals`: main.cf and master.cf as they were before smallmail, by path, as from
# file_to_json(). `versions`: the daemons' versions for which the last tree was rendered; `made_for`: the memory, cores
# and so on for which it was, by daemon.
Record = NamedTuple("Record", [
    ("entries", Dict[str, Dict[str, Entry]]),
    ("originals", Dict[str, Any]),
    ("versions", Dict[str, str]),
    ("made_for", Dict[str, Resources]),
])


def empty() -> Record:
    """Return the record of a host that smallmail never changed."""
    return Record(OrderedDict((kind, OrderedDict()) for kind in KINDS), OrderedDict(), OrderedDict(), OrderedDict())


def after(before: Record, target: Tree, now: Tree, conflicts: Container[Tuple[str, str]]) -> Record:
    """Return the record as it will be once the target is in force. `now`: what is on the host; `conflicts`: kind and
    name of what stays although smallmail does not want it, because it was changed by hand."""
    entries = OrderedDict()  # type: Dict[str, Dict[str, Entry]]
    for kind in KINDS:
        entries[kind] = OrderedDict()
        for name, thing in things(target, kind).items():
            old = before.entries[kind].get(name)
            existed = old.before if old else _to_json(kind, things(now, kind).get(name))
            entries[kind][name] = Entry(existed, fingerprint(thing))
        for name, old in before.entries[kind].items():
            # The removal of the package must name it too.
            if name not in entries[kind] and (kind, name) in conflicts:
                entries[kind][name] = old
    return before._replace(entries=entries)


def with_one_daemon(before: Record, later: Record, daemon: str, is_its: Callable[[str, str], bool]) -> Record:
    """Return what the later record says of one daemon, and what the earlier one says of all others. `is_its`: tells
    whether that daemon reads a thing of that kind and name."""
    entries = OrderedDict()  # type: Dict[str, Dict[str, Entry]]
    for kind in KINDS:
        entries[kind] = OrderedDict(
            [(name, entry) for name, entry in before.entries[kind].items() if not is_its(kind, name)]
            + [(name, entry) for name, entry in later.entries[kind].items() if is_its(kind, name)])
    return Record(entries, before.originals, dict(before.versions, **{daemon: later.versions[daemon]}),
                  dict(before.made_for, **{daemon: later.made_for[daemon]}))


def fingerprint(thing: Any) -> Optional[str]:
    """Return what a thing is compared by: the hash of a file's content, the text of everything else."""
    if isinstance(thing, File):
        return hashlib.sha256(thing.content).hexdigest()
    return None if thing is None else str(thing)


def things(tree: Tree, kind: str) -> Dict[str, Any]:
    """Return the files, parameters or services of a tree."""
    by_name = getattr(tree, kind)  # type: Dict[str, Any]
    return by_name


def own_files(record: Record) -> List[str]:
    """Return the files that did not exist before smallmail: they are removed with the package."""
    return [name for name, entry in record.entries["files"].items() if entry.before is None]


def file_to_json(file: Optional[File]) -> Any:
    """Return a file in a form that JSON can carry; None for a file that does not exist."""
    if file is None:
        return None
    return {"content": base64.b64encode(file.content).decode("ascii"), "mode": file.mode,
            "owner": file.owner, "group": file.group}


def file_from_json(data: Any) -> Optional[File]:
    """Return the file that file_to_json() was given."""
    if data is None:
        return None
    return File(base64.b64decode(data["content"]), data["mode"], data["owner"], data["group"])


def before_us(kind: str, entry: Entry) -> Any:
    """Return the file, parameter or service that existed before smallmail; None if none did."""
    return file_from_json(entry.before) if kind == "files" else entry.before


def dumps(record: Record) -> str:
    """Return the record as text."""
    return json.dumps({
        "entries": {kind: {name: list(entry) for name, entry in entries.items()}
                    for kind, entries in record.entries.items()},
        "originals": record.originals,
        "versions": record.versions,
        "made_for": {daemon: list(found) for daemon, found in record.made_for.items()},
    }, indent=1, sort_keys=True) + "\n"


def loads(text: str) -> Record:
    """Return the record from its text. Raises Problem if it is damaged."""
    try:
        data = json.loads(text)
        entries = {kind: {name: Entry(*entry) for name, entry in data["entries"].get(kind, {}).items()}
                   for kind in KINDS}
        # A record of 0.6.0 or earlier does not say for what.
        made_for = {daemon: Resources(*found) for daemon, found in data.get("made_for", {}).items()}
        return Record(entries, data["originals"], data["versions"], made_for)
    except (ValueError, KeyError, TypeError) as error:
        raise Problem("/{} is damaged ({}): restore it from a backup".format(state.RECORD, error))


def _to_json(kind: str, thing: Any) -> Any:
    return file_to_json(thing) if kind == "files" else thing
