"""The last configurations that were applied: what caused each, the inputs that it was made from, and the result.

One file each in the folder state.HISTORY, readable by root alone: settings contain secrets. They are written in the
same swap as the configuration itself, so that the history has nothing that was never in force.
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
from smallmail.daemons.main_cf import LOCAL_MAIN, LOCAL_MASTER
from smallmail.errors import Problem, WrongUsage
from smallmail.machine import state
from smallmail.machine.file import File, text_of
from smallmail.machine.host import Host
from smallmail.settings import fields, file_format

# So many changes are kept, and the returns to one of them in between: these must not push out what can be returned to.
KEPT = 10

# What a configuration is made from, besides the versions of the daemons.
INPUTS = (fields.PATH, LOCAL_MAIN, LOCAL_MASTER)

# A summary names so many things.
_NAMED = 4

Applied = NamedTuple("Applied", [
    ("number", int),
    ("when", int),                          # seconds since 1970, UTC
    ("asked", str),                         # who or what caused it
    ("inputs", Dict[str, Optional[File]]),  # by path; None for one that did not exist
    ("versions", Dict[str, str]),           # of the daemons that it was made for
    ("tree", Tree),
    ("returned", Optional[int]),            # the number of the configuration that it is a return to
])


def entries(host: Host) -> List[Applied]:
    """Return all configurations that are kept, the oldest first. Raises Problem if a file is damaged."""
    numbers = sorted(int(name[:-len(".json")]) for name in host.names(state.HISTORY) if name.endswith(".json"))
    return [_loads(number, host.text(_path(number))) for number in numbers]


def one(host: Host, number: int) -> Applied:
    """Return the configuration of that number. Raises WrongUsage if it is not kept."""
    for applied in entries(host):
        if applied.number == number:
            return applied
    raise WrongUsage("configuration {} is not kept: 'smallmail history' lists those that are".format(number))


def added(host: Host, asked: str, inputs: Dict[str, Optional[File]], versions: Dict[str, str],
          wanted: Tree, returned: Optional[int] = None) -> "OrderedDict[str, Optional[File]]":
    """Return the files to write (and to remove, so that only KEPT stay) to make this the newest configuration; nothing
    if it is the newest already. `returned`: the number of the configuration that it is a return to."""
    kept = entries(host)
    newest = kept[-1] if kept else None
    if newest and not differences(newest.tree, wanted) and _fingerprints(newest.inputs) == _fingerprints(inputs):
        return OrderedDict()
    applied = Applied(newest.number + 1 if newest else 1, int(time.time()), asked, inputs, versions, wanted, returned)
    files = OrderedDict()  # type: OrderedDict[str, Optional[File]]
    files[_path(applied.number)] = File(_dumps(applied).encode("ascii"), 0o600, "root", "root")
    for old in _too_old(kept + [applied]):
        files[_path(old.number)] = None
    return files


def _too_old(kept: List[Applied]) -> List[Applied]:
    changes = [applied.number for applied in kept if applied.returned is None]
    oldest = changes[-KEPT] if len(changes) > KEPT else 0
    return [applied for applied in kept[:-1] if applied.number < oldest] + [
        applied for applied in kept[:-2 * KEPT] if applied.number >= oldest]


def step_back(kept: List[Applied]) -> Optional[Applied]:
    """Find the configuration one step before the newest, as undo has it: after a return to a configuration, it is the
    one before that. Returns None if no earlier one with other inputs is kept."""
    by_number = {applied.number: applied for applied in kept}
    here = kept[-1] if kept else None
    inputs = _fingerprints(here.inputs) if here else {}
    while here is not None and _fingerprints(here.inputs) == inputs:
        while here is not None and here.returned is not None:
            here = by_number.get(here.returned)
        here = by_number.get(here.number - 1) if here else None
    while here is not None and here.returned is not None:
        here = by_number.get(here.returned)
    return here


def differences(before: Tree, after: Tree) -> List[Change]:
    """Return what differs between two trees, as changes from the first to the second."""
    changes = []
    for kind in KINDS:
        old, new = things(before, kind), things(after, kind)
        for name in sorted(set(old) | set(new)):
            if fingerprint(old.get(name)) != fingerprint(new.get(name)):
                changes.append(Change(kind, name, plan.SET, old.get(name), new.get(name)))
    return changes


def diff(before: Optional[Applied], after: Applied) -> Iterator[str]:
    """Yield the lines that compare a configuration with the one before it: its inputs, then the result. Secrets are not
    shown."""
    for path in INPUTS:
        old = _lines(path, before.inputs.get(path)) if before else []
        lines = list(difflib.unified_diff(old, _lines(path, after.inputs.get(path)), lineterm="", n=1))[2:]
        if lines:
            yield "/" + path
            yield from ("  " + line for line in lines if not line.startswith("@@"))
    for change in differences(before.tree if before else tree.empty(), after.tree):
        yield plan.describe(change)
        yield from plan.diff(change)


def summary(before: Optional[Applied], after: Applied) -> str:
    """Describe in a few words what changed."""
    if before is None:
        return "the oldest that is kept"
    labels = [plan.label(change) for change in differences(before.tree, after.tree)]
    if not labels:
        return "only comments, or lines without effect"
    more = " and {} more".format(len(labels) - _NAMED) if len(labels) > _NAMED else ""
    return ", ".join(labels[:_NAMED]) + more


def _lines(path: str, file: Optional[File]) -> List[str]:
    """Return the lines of an input, without the values of secret settings."""
    text = text_of(file.content) if file else ""
    return file_format.without_secrets(text) if path == fields.PATH else text.splitlines()


def _fingerprints(inputs: Dict[str, Optional[File]]) -> Dict[str, Optional[str]]:
    return {path: fingerprint(file) for path, file in inputs.items()}


def _path(number: int) -> str:
    return "{}/{:06d}.json".format(state.HISTORY, number)


def _dumps(applied: Applied) -> str:
    data = OrderedDict([
        ("when", applied.when), ("asked", applied.asked), ("returned", applied.returned),
        ("versions", applied.versions),
        ("inputs", {path: file_to_json(file) for path, file in applied.inputs.items()}),
        ("files", {path: file_to_json(file) for path, file in applied.tree.files.items()}),
        ("parameters", applied.tree.parameters), ("services", applied.tree.services)])
    return json.dumps(data, indent=1, sort_keys=True) + "\n"


def _loads(number: int, text: str) -> Applied:
    try:
        data = json.loads(text)
        files = OrderedDict(sorted((path, file) for path, file in _files(data["files"]) if file))
        return Applied(number, data["when"], data["asked"], dict(_files(data["inputs"])), data["versions"],
                       Tree(files, data["parameters"], data["services"]), data.get("returned"))
    except (ValueError, KeyError, TypeError) as error:
        raise Problem("/{} is damaged ({}): remove it".format(_path(number), error))


def _files(data: Dict[str, object]) -> Iterator[Tuple[str, Optional[File]]]:
    return ((path, file_from_json(file)) for path, file in data.items())
