"""Tell whether a backup has all letters that were there from its beginning to its end."""
from typing import Any, Callable, Dict, FrozenSet, List, NamedTuple, Set

from smallmail.backup import restic
from smallmail.machine import state
from smallmail.machine.host import Host

# What could change while it was read: the letters, each by its folder and the part of its name that stays, and the
# names of the store's files.
Seen = NamedTuple("Seen", [("letters", FrozenSet[str]), ("store", List[str])])


def look(host: Host, directory: str) -> Seen:
    """List the letters below the mail directory, as vmail, and the files of the store. Raises Failed."""
    command = ["find", directory, "-type", "f", "(", "-path", "*/cur/*", "-o", "-path", "*/new/*", ")",
               "-printf", "%P\\0"]
    letters = frozenset(letter(path) for path in host.run(command, user="vmail").split("\0") if path)
    store = [host.names(folder) for folder in (state.REDIS, state.REDIS + "/appendonlydir")]
    return Seen(letters, sorted(name for names in store for name in names))


def letter(path: str) -> str:
    """Return what stays of a letter's path when its flags change, or when a mail program sees it first."""
    folder, _, name = path.rpartition("/")
    return "{}/{}".format(folder.rpartition("/")[0], name.partition(":")[0])


def is_whole(host: Host, snapshot: str, directory: str, before: Seen, after: Seen) -> bool:
    """Tell whether nothing is missing in a snapshot that was made between two looks."""
    was_moved = bool(before.letters - after.letters) and bool(after.letters - before.letters)
    if was_moved or before.store != after.store:
        return False
    saved = set()   # type: Set[str]
    restic.told(host, ["ls", "--recursive", snapshot, directory], _collecting(directory, saved))
    return not (before.letters & after.letters) - saved


def _collecting(directory: str, saved: Set[str]) -> Callable[[Dict[str, Any]], None]:
    def heard(node: Dict[str, Any]) -> None:
        path = str(node.get("path", ""))
        if node.get("type") == "file" and path.startswith(directory + "/"):
            saved.add(letter(path[len(directory) + 1:]))
    return heard
