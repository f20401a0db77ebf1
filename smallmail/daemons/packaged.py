"""Tell an admin's configuration files from those of Debian's packages, whatever the daemon."""
import os
import re
from typing import Dict, Iterator, List, Tuple

from smallmail.daemons.main_cf import logical_lines
from smallmail.machine import state

# What ucf and dpkg leave beside a file is not configuration.
_LEFTOVER = re.compile(r"\.(ucf|dpkg)-|~$")


def files_read(root: str, folder: str, endings: Tuple[str, ...]) -> Iterator[str]:
    """Yield the files in that folder which a daemon reads, except for those that an earlier smallmail left there."""
    left = text(root, state.UCF_FILES).splitlines()
    for name in sorted(_names(os.path.join(root, folder))):
        path = "{}/{}".format(folder, name)
        if name.endswith(endings) and not _LEFTOVER.search(name) and "/" + path not in left:
            yield path


def has_settings(content: str) -> bool:
    """Tell whether a configuration file has more in it than comments."""
    return any(True for _ in logical_lines(content))


def ucf_hashes(root: str) -> Dict[str, str]:
    """Return the MD5 of the content that ucf last installed, by path (ucf(1): /var/lib/ucf/hashfile)."""
    pairs = [line.split(None, 1) for line in text(root, "var/lib/ucf/hashfile").splitlines()]
    return {pair[1].lstrip("/"): pair[0] for pair in pairs if len(pair) == 2}


def text(root: str, path: str) -> str:
    """Return a file's text; "" if it does not exist."""
    full = os.path.join(root, path)
    if not os.path.isfile(full):
        return ""
    with open(full, encoding="utf-8", errors="surrogateescape", newline="") as stream:
        return stream.read()


def _names(folder: str) -> List[str]:
    return os.listdir(folder) if os.path.isdir(folder) else []
