"""The last configurations that were applied: what asked for each, the inputs that it was made from, what came out.

One file each in /var/lib/smallmail/history, readable by root alone: settings hold secrets. They are written in the same
swap as the configuration itself, so that history tells of nothing that never was.
"""
import difflib
import json
import time
from collections import OrderedDict
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

from smallmail.configuration import plan, tree
from smallmail.configuration.plan import Change
from smallmail.configuration.record import KINDS, file_from_json, file_to_json, fingerprint, things
from smallmail.configuration.tree import Tree
from smallmail.errors import Problem
from smallmail.machine.file import File
from smallmail.machine.host import Host
from smallmail.machine.state import STATE
from smallmail.settings import fields

FOLDER = STATE + "/history"
KEPT = 10
LOCAL = "etc/smallmail/local/postfix/"

# What a configuration is made from, besides the versions of the daemons.
INPUTS = (fields.PATH, LOCAL + "main.cf", LOCAL + "master.cf")

Applied = NamedTuple("Applied", [
    ("number", int),
    ("when", int),                          # seconds since 1970, UTC
    ("asked", str),                         # who or what asked for it
    ("inputs", Dict[str, Optional[File]]),  # by path; None for one that did not exist
    ("versions", Dict[str, str]),           # of the daemons that it was made for
    ("tree", Tree),
])


def entries(host: Host) -> List[Applied]:
    """All that are kept, the oldest first."""
    numbers = sorted(int(name[:-len(".json")]) for name in host.names(FOLDER) if name.endswith(".json"))
    return [_loads(number, host.text(_path(number))) for number in numbers]


def one(host: Host, number: int) -> Applied:
    """The configuration of that number; raises Problem when it is not kept."""
    for applied in entries(host):
        if applied.number == number:
            return applied
    raise Problem("there is no configuration {}: 'smallmail history' lists those that are kept".format(number))


def added(host: Host, asked: str, inputs: Dict[str, Optional[File]], versions: Dict[str, str],
          wanted: Tree) -> "OrderedDict[str, Optional[File]]":
    """The files to write (and, past KEPT, to remove) so that this one is the newest; none when it is so already."""
    kept = entries(host)
    newest = kept[-1] if kept else None
    if newest and not differences(newest.tree, wanted) and _contents(newest.inputs) == _contents(inputs):
        return OrderedDict()
    made = Applied(newest.number + 1 if newest else 1, int(time.time()), asked, inputs, versions, wanted)
    files = OrderedDict()  # type: OrderedDict[str, Optional[File]]
    files[_path(made.number)] = File(_dumps(made).encode("ascii"), 0o600, "root", "root")
    for old in kept[:max(0, len(kept) + 1 - KEPT)]:
        files[_path(old.number)] = None
    return files


def differences(before: Tree, after: Tree) -> List[Change]:
    """What differs between two trees, as changes from the first to the second."""
    found = []
    for kind in KINDS:
        old, new = things(before, kind), things(after, kind)
        for name in sorted(set(old) | set(new)):
            if fingerprint(old.get(name)) != fingerprint(new.get(name)):
                found.append(Change(kind, name, plan.SET, old.get(name), new.get(name)))
    return found


def diff(before: Optional[Applied], after: Applied) -> Iterator[str]:
    """One configuration against the one before it: its inputs, then what came out. Secrets are not shown."""
    for path in INPUTS:
        old = _shown(path, before.inputs.get(path)) if before else []
        lines = list(difflib.unified_diff(old, _shown(path, after.inputs.get(path)), lineterm="", n=1))[2:]
        if lines:
            yield "/" + path
            yield from ("  " + line for line in lines if not line.startswith("@@"))
    for change in differences(before.tree if before else tree.empty(), after.tree):
        yield plan.describe(change)
        yield from plan.diff(change)


def summary(before: Optional[Applied], after: Applied) -> str:
    """What changed, in a few words."""
    if before is None:
        return "the first that is kept"
    changed = [plan.label(change) for change in differences(before.tree, after.tree)]
    if not changed:
        return "comments, or what makes no difference"
    return ", ".join(changed[:4]) + (" and {} more".format(len(changed) - 4) if len(changed) > 4 else "")


def _shown(path: str, file: Optional[File]) -> List[str]:
    lines = file.content.decode("utf-8", "replace").splitlines() if file else []
    if path != fields.PATH:
        return lines
    secret = tuple(name for name, field in fields.FIELDS.items() if field.secret)
    return [line.partition("=")[0] + "= (not shown)" if line.startswith(secret) else line for line in lines]


def _contents(inputs: Dict[str, Optional[File]]) -> Dict[str, Optional[str]]:
    return {path: fingerprint(file) for path, file in inputs.items()}


def _path(number: int) -> str:
    return "{}/{:06d}.json".format(FOLDER, number)


def _dumps(applied: Applied) -> str:
    data = OrderedDict([
        ("when", applied.when), ("asked", applied.asked), ("versions", applied.versions),
        ("inputs", {path: file_to_json(file) for path, file in applied.inputs.items()}),
        ("files", {path: file_to_json(file) for path, file in applied.tree.files.items()}),
        ("parameters", applied.tree.parameters), ("services", applied.tree.services)])
    return json.dumps(data, indent=1, sort_keys=True) + "\n"


def _loads(number: int, text: str) -> Applied:
    try:
        data = json.loads(text)
        files = OrderedDict(sorted((path, file) for path, file in _files(data["files"]) if file))
        return Applied(number, data["when"], data["asked"], dict(_files(data["inputs"])), data["versions"],
                       Tree(files, data["parameters"], data["services"]))
    except (ValueError, KeyError, TypeError) as error:
        raise Problem("/{} is damaged ({}): remove it".format(_path(number), error))


def _files(data: Dict[str, object]) -> Iterator[Tuple[str, Optional[File]]]:
    return ((path, file_from_json(file)) for path, file in data.items())
