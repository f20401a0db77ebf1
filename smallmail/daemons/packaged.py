"""What was carried out of larger files: see the names below."""
import os
import re
from typing import Dict, Iterator, List, Tuple

from smallmail.daemons.main_cf import logical_lines

# After a removal: files of ours that were changed by hand, and stayed.
_LEFT_OF_OURS = "var/lib/smallmail/ucf-files"

# What ucf and dpkg leave beside a file is no configuration.
_LEFTOVER = re.compile(r"\.(ucf|dpkg)-|~$")


def read(root: str, folder: str, endings: Tuple[str, ...]) -> Iterator[str]:
    """The files in that folder which a daemon reads, without what we left there."""
    ours = text(root, _LEFT_OF_OURS).splitlines()
    for name in sorted(_names(os.path.join(root, folder))):
        path = "/{}/{}".format(folder, name)
        if name.endswith(endings) and not _LEFTOVER.search(name) and path not in ours:
            yield path


def says_something(text: str) -> bool:
    """Whether there is more in it than comments."""
    return any(True for _ in logical_lines(text))


def known_to_ucf(root: str) -> Dict[str, str]:
    """The content that ucf last installed at each path, as MD5 (ucf(1), /var/lib/ucf/hashfile)."""
    lines = [line.split(None, 1) for line in text(root, "var/lib/ucf/hashfile").splitlines()]
    return {pair[1]: pair[0] for pair in lines if len(pair) == 2}


def _names(folder: str) -> List[str]:
    return os.listdir(folder) if os.path.isdir(folder) else []


def text(root: str, path: str) -> str:
    """Return a file's text; "" if it does not exist."""
    full = os.path.join(root, path)
    if not os.path.isfile(full):
        return ""
    with open(full, encoding="utf-8", errors="surrogateescape", newline="") as stream:
        return stream.read()
