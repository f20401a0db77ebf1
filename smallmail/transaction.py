"""Swapping files so that the host has the old ones or the new ones, whatever happens in between.

The journal holds what stood there before the first file is touched. While it exists the swap is not done: whoever finds
it (the next apply, or the one that failed) puts the old files back.
"""
import json
from typing import Dict, Optional

from smallmail.host import STATE, Host
from smallmail.record import file_from_json, file_to_json, fingerprint
from smallmail.tree import File

JOURNAL = STATE + "/journal.json"


def swap(host: Host, files: Dict[str, Optional[File]]) -> None:
    """Write or (None) remove all these files; commit() makes it final, undo() takes it back."""
    journal = {path: {"old": file_to_json(host.file(path)), "new": fingerprint(new)} for path, new in files.items()}
    host.write(JOURNAL, File(json.dumps(journal).encode("ascii"), 0o600, "root", "root"))
    for path, new in files.items():
        host.put(path, new)


def commit(host: Host) -> None:
    """The new files stay."""
    host.remove(JOURNAL)


def undo(host: Host) -> bool:
    """Put back what a swap that was not committed replaced; False when there was none.

    A file that somebody has changed since then is neither old nor new: it is left alone.
    """
    text = host.text(JOURNAL)
    if not text:
        return False
    for path, states in json.loads(text).items():
        if fingerprint(host.file(path)) == states["new"]:
            host.put(path, file_from_json(states["old"]))
    host.remove(JOURNAL)
    return True
