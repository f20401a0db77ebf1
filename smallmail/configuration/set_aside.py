"""An admin's own file that the new version of a daemon refuses is set aside, rather than leaving mail down.

It keeps its content and gets another name: FILE.set-aside, which no daemon reads. Lines of main.cf are kept so, too.
That happens only when a daemon was installed in another version since the configuration was written; an apply on the
same versions is refused instead.
"""
import hashlib
from collections import OrderedDict
from typing import Callable, Dict, Iterator, List, Optional, Tuple

from smallmail.configuration import history
from smallmail.configuration.tree import Tree
from smallmail.daemons import main_cf, packaged, postconf, postfix, rspamd
from smallmail.daemons.main_cf import MAIN
from smallmail.errors import Problem
from smallmail.machine.file import File
from smallmail.machine.host import Host

SUFFIX = ".set-aside"

# Where an admin's own files for each daemon are. Those for Postfix are merged by smallmail itself (apply.py).
_FOLDERS = OrderedDict([
    ("postfix", [history.LOCAL[:-1], "etc/postfix"]),
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
    return OrderedDict([(_free_name(host, path), host.file(path)), (path, None)])


def _free_name(host: Host, path: str) -> str:
    name = path + SUFFIX
    number = 1
    while host.exists(name):
        number += 1
        name = "{}{}-{}".format(path, SUFFIX, number)
    return name


def sentence(path: str, daemon: str, refusal: Problem) -> str:
    """What the admin is told."""
    return ("/{0}: {1}, as it is installed now, refuses it, so it was set aside as /{0}{2}. Mend it, move it back and"
            " type 'smallmail apply'. {1} said: {3}".format(path, daemon, SUFFIX, refusal))


def _lines_sentence(path: str, refusal: Problem) -> str:
    return ("/{}: postfix, as it is installed now, refuses these lines of /{}, so they are kept there instead. Mend"
            " them and set them with 'postconf -e'. postfix said: {}".format(path, MAIN, refusal))


def taken_out(host: Host, stage: Host, daemon: str, wanted: Tree, files: Dict[str, Optional[File]],
              refusal: Problem, judge: Callable[[], None]) -> Tuple[Dict[str, Optional[File]], List[str]]:
    """What must change, of the admin's own, so that the daemon takes the staged configuration, and a notice of each;
    nothing when it is not that which it refuses. `files` are those that are to change anyway."""
    changed, notices = OrderedDict(), []  # type: OrderedDict[str, Optional[File]], List[str]
    if daemon == "postfix":
        main = files.get(MAIN) or host.file(MAIN)
        changed = parameters(host, stage, main, wanted, judge) if main else changed
        return changed, [_lines_sentence(path, refusal) for path in list(changed)[:1]]
    for path, instead in refused(host, stage, daemon, wanted, judge).items():
        changed.update(move(host, path))
        changed[path] = instead
        notices.append(sentence(path, daemon, refusal))
    return changed, notices


def refused(host: Host, stage: Host, daemon: str, wanted: Tree,
            judge: Callable[[], None]) -> "OrderedDict[str, Optional[File]]":
    """Of the admin's files those that must go, each with what stands in its place; the stage is left without them.

    Empty when it is not they that the daemon refuses: then the stage is as it was.
    """
    known = packaged.known_to_ucf(host.root)
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


def parameters(host: Host, stage: Host, main: File, wanted: Tree,
               judge: Callable[[], None]) -> "OrderedDict[str, Optional[File]]":
    """The same of main.cf's parameters, where neither Debian nor we have written them as they are: main.cf as it is to
    be, with ours in their place or nothing, and the file that keeps them. Empty when it is not they."""
    text = main.content.decode("utf-8", "replace")
    now = main_cf.parse_main(text)
    guilty = [name for name in postfix.admins_parameters(text) if now[name] != wanted.parameters.get(name)]

    def is_taken_without(names: List[str]) -> bool:
        stage.write(MAIN, main)
        postconf.put(stage, {name: wanted.parameters.get(name) for name in names})
        return _is_taken(judge)

    if not guilty or not is_taken_without(guilty):
        return OrderedDict()
    for name in list(guilty):
        rest = [other for other in guilty if other != name]
        if is_taken_without(rest):
            guilty = rest
    stage.write(MAIN, main)
    postconf.put(stage, {name: wanted.parameters.get(name) for name in guilty})
    edited = stage.file(MAIN)
    kept = "".join("{} = {}\n".format(name, now[name]) for name in guilty).encode("utf-8")
    return OrderedDict([(_free_name(host, MAIN), main._replace(content=kept)),
                        (MAIN, edited and main._replace(content=edited.content))])


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
        return name in rspamd.ADMINS_OF_RSPAMD
    return not name.startswith(".") and SUFFIX not in name


def _instead(host: Host, path: str, wanted: Tree, known: Dict[str, str]) -> Optional[File]:
    """What stands in a file's place: ours, or the one that Dovecot's package had put there, or nothing."""
    if path in wanted.files:
        return wanted.files[path]
    return host.file(path.replace("etc/", "usr/share/", 1)) if "/" + path in known else None
