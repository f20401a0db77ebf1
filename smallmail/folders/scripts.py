"""Change the names of folders in a mailbox's Sieve scripts."""
import os
import stat
from typing import Callable, Iterator

from smallmail.folders import files

_FOLDER = b"sieve"              # as in 95-smallmail-sieve.conf
ACTIVE = b".dovecot.sieve"     # a link to one of the scripts, unless an admin put a script there

# Dovecot does not accept a longer script (sieve_max_script_size).
LARGEST = 1 << 20


def change(home: bytes, changed: Callable[[bytes], bytes]) -> None:
    """Replace each script in which folders have another name by now. It may be repeated."""
    for path in _scripts(home):
        files.remove_unfinished(path)
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
            continue
        before = files.read(path)
        after = changed(before)
        if after != before:
            # Dovecot compiles a script again only if it is younger than this.
            files.remove(path[:-len(b".sieve")] + b".svbin")
            files.remove(os.path.join(home, b".dovecot.svbin"))
            files.write(path, after, stat.S_IMODE(status.st_mode))


def _scripts(home: bytes) -> Iterator[bytes]:
    for folder, _, names in os.walk(os.path.join(home, _FOLDER)):
        for name in sorted(names):
            if name.endswith(b".sieve"):
                yield os.path.join(folder, name)
    if os.path.lexists(os.path.join(home, ACTIVE)):
        yield os.path.join(home, ACTIVE)
