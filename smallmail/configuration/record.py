"""The record: of each thing that we set, what stood there before us and what we wrote last.

It lives in /var/lib/smallmail/record.json, readable by root alone: what stood before may hold secrets.
"""
import base64
import hashlib
import json
from collections import OrderedDict
from typing import Any, Dict, List, NamedTuple, Optional

from smallmail.configuration.tree import Tree
from smallmail.errors import Problem
from smallmail.machine import state
from smallmail.machine.file import File

KINDS = ("files", "parameters", "services")

# `before`: None when the thing was not there; a parameter's or service's text; a file as from file_to_json().
# `written`: the fingerprint of what we wrote last, None once it was given back.
Entry = NamedTuple("Entry", [("before", Any), ("written", Optional[str])])

# `entries` by kind and name. `originals`: main.cf and master.cf as they stood before us, by path, as from
# file_to_json(). `versions`: the daemons' versions that the last tree was rendered for.
Record = NamedTuple("Record", [
    ("entries", Dict[str, Dict[str, Entry]]),
    ("originals", Dict[str, Any]),
    ("versions", Dict[str, str]),
])


def empty() -> Record:
    """The record of a host that we never touched."""
    return Record(OrderedDict((kind, OrderedDict()) for kind in KINDS), OrderedDict(), OrderedDict())


def fingerprint(thing: Any) -> Optional[str]:
    """What a thing is compared by: a file by its content, everything else by its text."""
    if isinstance(thing, File):
        return hashlib.sha256(thing.content).hexdigest()
    return None if thing is None else str(thing)


def things(tree: Tree, kind: str) -> Dict[str, Any]:
    """The files, parameters or services of a tree."""
    found = getattr(tree, kind)  # type: Dict[str, Any]
    return found


def own_files(record: Record) -> List[str]:
    """The files that were not there before us: those that leave with the package."""
    return [name for name, entry in record.entries["files"].items() if entry.before is None]


def file_to_json(file: Optional[File]) -> Any:
    """A file as JSON can carry it; None for one that does not exist."""
    if file is None:
        return None
    return {"content": base64.b64encode(file.content).decode("ascii"), "mode": file.mode,
            "owner": file.owner, "group": file.group}


def file_from_json(data: Any) -> Optional[File]:
    """The reverse of file_to_json()."""
    if data is None:
        return None
    return File(base64.b64decode(data["content"]), data["mode"], data["owner"], data["group"])


def dumps(record: Record) -> str:
    """The record as text."""
    return json.dumps({
        "entries": {kind: {name: list(entry) for name, entry in entries.items()}
                    for kind, entries in record.entries.items()},
        "originals": record.originals,
        "versions": record.versions,
    }, indent=1, sort_keys=True) + "\n"


def loads(text: str) -> Record:
    """The record from its text; raises Problem when it is damaged."""
    try:
        data = json.loads(text)
        entries = {kind: {name: Entry(*entry) for name, entry in data["entries"].get(kind, {}).items()}
                   for kind in KINDS}
        return Record(entries, data["originals"], data["versions"])
    except (ValueError, KeyError, TypeError) as error:
        raise Problem("/{} is damaged ({}): restore it from a backup".format(state.PATH, error))
