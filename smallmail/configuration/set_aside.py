"""Set aside an admin's own file that the new version of a daemon does not accept, rather than leaving mail down.

It keeps its content and gets another name, FILE.set-aside, which no daemon reads. That happens only if a daemon was
installed in another version since the configuration was written; an apply for the same versions fails instead. Lines of
Postfix's main.cf are kept in the same way: set_aside_lines.py.
"""
import hashlib
from collections import OrderedDict
from typing import Callable, Dict, Iterator, List, Optional, Tuple

from smallmail.configuration.tree import Tree
from smallmail.daemons import packaged, table
from smallmail.daemons.daemon import Daemon, stock_path
from smallmail.errors import Problem
from smallmail.machine.file import File
from smallmail.machine.host import Host

SUFFIX = ".set-aside"

# The files to write and (None) to remove.
Files = Dict[str, Optional[File]]

# What must change, and a notice of each thing set aside.
TakenOut = Tuple[Files, List[str]]


def files(host: Host) -> List[str]:
    """Return what was set aside and is still there."""
    return ["{}/{}".format(folder, name) for daemon in reversed(table.ALL) for folder in daemon.admins_folders
            for name in sorted(host.names(folder)) if SUFFIX in name]


def move(host: Host, path: str) -> "OrderedDict[str, Optional[File]]":
    """Return the files to write and to remove so that this one has its other name."""
    return OrderedDict([(free_name(host, path), host.file(path)), (path, None)])


def free_name(host: Host, path: str) -> str:
    """Return a name for that file under which nothing was set aside yet."""
    name = path + SUFFIX
    number = 1
    while host.exists(name):
        number += 1
        name = "{}{}-{}".format(path, SUFFIX, number)
    return name


def sentence(path: str, daemon: Daemon, refusal: Problem) -> str:
    """Return what the admin is told."""
    return ("/{0}: {1}, in the version now installed, does not accept it, so it was renamed to /{0}{2}. Correct it,"
            " move it back and type 'smallmail apply'. {1}'s message: {3}".format(path, daemon.name, SUFFIX, refusal))


def taken_out(host: Host, stage: Host, daemon: Daemon, wanted: Tree, refusal: Problem,
              judge: Callable[[], None]) -> TakenOut:
    """Find the admin's files that the daemon does not accept. Returns what must change so that it accepts the staged
    configuration, and a notice of each file; nothing if these files are not the reason."""
    changed, notices = OrderedDict(), []  # type: OrderedDict[str, Optional[File]], List[str]
    for path, replacement in refused(host, stage, daemon, wanted, judge).items():
        changed.update(move(host, path))
        changed[path] = replacement
        notices.append(sentence(path, daemon, refusal))
    return changed, notices


def refused(host: Host, stage: Host, daemon: Daemon, wanted: Tree,
            judge: Callable[[], None]) -> "OrderedDict[str, Optional[File]]":
    """Return those of the admin's files that must go, each with what replaces it; the stage is left without them.

    Returns nothing, and leaves the stage as it was, if the daemon does not accept the rest either.
    """
    hashes = packaged.ucf_hashes(host.root)
    replacements = OrderedDict((path, _replacement(host, daemon, path, wanted, hashes))
                               for path in _suspects(host, daemon, wanted, hashes))
    for path, file in replacements.items():
        stage.put(path, file)
    if not replacements or not is_accepted(judge):
        for path in replacements:
            stage.put(path, host.file(path))
        return OrderedDict()
    for path in list(replacements):
        # One after the other comes back: what the daemon accepts stays.
        stage.put(path, host.file(path))
        if is_accepted(judge):
            del replacements[path]
        else:
            stage.put(path, replacements[path])
    return replacements


def is_accepted(judge: Callable[[], None]) -> bool:
    """Tell whether the daemon accepts the staged configuration."""
    try:
        judge()
    except Problem:
        return False
    return True


def _suspects(host: Host, daemon: Daemon, wanted: Tree, hashes: Dict[str, str]) -> Iterator[str]:
    """Yield the files of that daemon that are neither as its package wrote them nor as smallmail did."""
    for folder in daemon.admins_folders:
        for name in sorted(host.names(folder)):
            path = "{}/{}".format(folder, name)
            file = host.file(path)
            if file is None or SUFFIX in name or not daemon.reads(path) \
                    or file == _replacement(host, daemon, path, wanted, hashes):
                continue
            if hashes.get(path) != hashlib.md5(file.content).hexdigest():
                yield path


def _replacement(host: Host, daemon: Daemon, path: str, wanted: Tree, hashes: Dict[str, str]) -> Optional[File]:
    """Return what replaces a file: ours, or the one of the daemon's package, or nothing."""
    if path in wanted.files:
        return wanted.files[path]
    stock = stock_path(daemon, path)
    return host.file(stock) if stock and path in hashes else None
