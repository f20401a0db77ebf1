"""Swap files and links so that the host has the old ones or the new ones, whatever happens in between.

The journal has what existed before the first of them is changed. While it exists the swap is not finished: the next
process that finds it (an apply, a daemon's start, or the apply that failed) puts the old ones back.
"""
import json
from collections import OrderedDict
from typing import Any, Dict, Optional  # noqa: F401 (in a type comment)

from smallmail.configuration.record import file_from_json, file_to_json, fingerprint
from smallmail.machine import state, state_files
from smallmail.machine.file import File
from smallmail.machine.host import Host


def swap(host: Host, files: Dict[str, Optional[File]], links: Optional[Dict[str, str]] = None) -> None:
    """Write or (None) remove all these files, in their order, then point the symbolic links to their targets. commit()
    makes it final, undo() takes it back."""
    journal = OrderedDict()  # type: Dict[str, Any]
    for path, new in files.items():
        journal[path] = {"old": file_to_json(host.file(path)), "new": fingerprint(new)}
    for path, target in (links or {}).items():
        journal[path] = {"old link": host.link(path), "new link": target}
    host.write(state.JOURNAL, state_files.file(state.JOURNAL, json.dumps(journal).encode("ascii")))
    for path, new in files.items():
        host.put(path, new)
    for path, target in (links or {}).items():
        host.point(path, target)


def commit(host: Host) -> None:
    """Keep the new files: forget the old ones."""
    host.remove(state.JOURNAL)


def undo(host: Host) -> bool:
    """Put back what a swap that was not committed replaced. Returns False if there was none.

    A file that somebody has changed since then is neither old nor new: it is left alone.
    """
    text = host.text(state.JOURNAL)
    if not text:
        return False
    for path, states in reversed(list(json.loads(text, object_pairs_hook=OrderedDict).items())):
        host.remove_unfinished(path)
        if "new link" in states:
            if host.link(path) == states["new link"]:
                host.point(path, states["old link"])
        elif fingerprint(host.file(path)) == states["new"]:
            host.put(path, file_from_json(states["old"]))
    host.remove(state.JOURNAL)
    return True
