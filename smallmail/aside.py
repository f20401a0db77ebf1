"""An admin's own file that the new version of a daemon refuses is set aside, rather than leaving mail down.

It keeps its content and gets another name: FILE.set-aside, which no daemon reads. That happens only when a daemon was
installed in another version since the configuration was written; an apply on the same versions is refused instead.
"""
import hashlib
from collections import OrderedDict
from typing import Callable, Dict, Iterator, List, Optional

from smallmail import earlier, history
from smallmail.errors import Problem
from smallmail.host import Host
from smallmail.tree import File, Tree

SUFFIX = ".set-aside"

# Where an admin's own files for each daemon are. Those for Postfix are merged by smallmail itself (apply.py).
_FOLDERS = OrderedDict([
    ("postfix", [history.LOCAL[:-1]]),
    ("dovecot", ["etc/dovecot", "etc/dovecot/conf.d"]),
    ("rspamd", ["etc/rspamd", "etc/rspamd/local.d", "etc/rspamd/override.d"]),
])
_READ_BY_DOVECOT = (".conf", ".ext")


def files(host: Host) -> List[str]:
    """What was set aside and still lies there."""
    return ["{}/{}".format(folder, name) for folders in _FOLDERS.values() for folder in folders
            for name in sorted(host.names(folder)) if SUFFIX in name]


def move(host: Host, path: str) -> "OrderedDict[str, Optional[File]]":
    """The files to write and to remove so that this one has its other name."""
    name = path + SUFFIX
    number = 1
    while host.exists(name):
        number += 1
        name = "{}{}-{}".format(path, SUFFIX, number)
    return OrderedDict([(name, host.file(path)), (path, None)])


def sentence(path: str, daemon: str, refusal: Problem) -> str:
    """What the admin is told."""
    return ("/{0}: the new version of {1} refuses it and would not start, so it was set aside as /{0}{2}. Mend it,"
            " move it back and type 'smallmail apply'. {1} said: {3}".format(path, daemon, SUFFIX, refusal))


def refused(host: Host, stage: Host, daemon: str, wanted: Tree,
            judge: Callable[[], None]) -> "OrderedDict[str, Optional[File]]":
    """Of the admin's files those that must go, each with what stands in its place; the stage is left without them.

    Empty when it is not they that the daemon refuses: then the stage is as it was.
    """
    known = earlier.known_to_ucf(host.root)
    instead = OrderedDict((path, _instead(host, path, wanted, known))
                          for path in _suspects(host, daemon, wanted, known))
    for path, file in instead.items():
        stage.put(path, file)
    if not instead or not _is_taken(judge):
        for path in instead:
            stage.put(path, host.file(path))
        return OrderedDict()
    for path in list(instead):
        # One after the other comes back: what the daemon takes stays.
        stage.put(path, host.file(path))
        if _is_taken(judge):
            del instead[path]
        else:
            stage.put(path, instead[path])
    return instead


def _is_taken(judge: Callable[[], None]) -> bool:
    try:
        judge()
    except Problem:
        return False
    return True


def _suspects(host: Host, daemon: str, wanted: Tree, known: Dict[str, str]) -> Iterator[str]:
    """The files of that daemon that neither its package nor we have written as they are."""
    for folder in _FOLDERS[daemon] if daemon != "postfix" else []:
        for name in sorted(host.names(folder)):
            path = "{}/{}".format(folder, name)
            file = host.file(path)
            if file is None or not _is_read(daemon, folder, name) or file == _instead(host, path, wanted, known):
                continue
            if known.get("/" + path) != hashlib.md5(file.content).hexdigest():
                yield path


def _is_read(daemon: str, folder: str, name: str) -> bool:
    if daemon == "dovecot":
        return name.endswith(_READ_BY_DOVECOT)
    if folder == "etc/rspamd":
        return name in earlier.ADMINS_OF_RSPAMD
    return not name.startswith(".") and SUFFIX not in name


def _instead(host: Host, path: str, wanted: Tree, known: Dict[str, str]) -> Optional[File]:
    """What stands in a file's place: ours, or the one that Dovecot's package had put there, or nothing."""
    if path in wanted.files:
        return wanted.files[path]
    return host.file(path.replace("etc/", "usr/share/", 1)) if "/" + path in known else None

