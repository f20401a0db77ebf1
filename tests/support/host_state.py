"""Compare all files of a host before and after, and find what smallmail has left on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.lab.chroot import Host

State = dict[str, list[str]]  # by path, what can be told of it

# Left out: what the lab put there, what was downloaded, logs, and the versions before the last that debconf, dpkg, ucf
# and the account tools keep of their own files.
_NAMES = ("find / -xdev \\( -path /srv/repo -o -path /proc -o -path /sys -o -path /var/cache/apt -o -path /var/lib/apt"
          "  -o -path /var/log \\) -prune -o -name '*smallmail*'"
          "  ! -name 'smallmail-server_*.deb' ! -name smallmail-lab.list -print;")
_CONTENTS = ("grep -rIl --exclude='*-' --exclude='*-old' --exclude='registry.[0-9]' --exclude='hashfile.[0-9]'"
             "  --exclude-dir=streams"    # the journal's list of who writes into it: it forgets late
             "  --exclude=smallmail-lab.list smallmail /etc /run /var/cache/debconf /var/lib/dovecot /var/lib/dpkg"
             "  /var/lib/postfix /var/lib/redis /var/lib/rspamd /var/lib/systemd /var/lib/ucf /var/spool;")
_LINKS = "find /etc/systemd /run/systemd/system /run/systemd/transient /var/lib/systemd -xtype l; true"

# What is not configuration: the account tools keep the version before the last of each of their files as "name-",
# and a lock; the linker's cache is made anew by every installation.
NOISE = re.compile(r"/etc/((passwd|group|shadow|gshadow|subuid|subgid)-|\.pwd\.lock|ld\.so\.cache)$")


def fingerprint(host: Host, *folders: str) -> State:
    """Read all that is below the folders (/etc if none is named): kind, mode, owner, target, checksum."""
    below = " ".join(folders or ("/etc",))
    told: State = {}
    command = (f"find {below} -xdev -printf '%p\\t%y %m %u %g %l\\n'; "
               f"find {below} -xdev -type f -exec sha256sum {{}} + | sed -E 's/^([0-9a-f]+)  (.*)$/\\2\\t\\1/'")
    for line in host.run(command).stdout.splitlines():
        path, _, fact = line.partition("\t")
        if not NOISE.search(path):
            told.setdefault(path, []).append(fact)
    return told


def differences(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, tuple[Any, Any]]:
    """Compare two states. Returns the paths that differ, with both facts."""
    return {path: (before.get(path), after.get(path)) for path in sorted(set(before) | set(after))
            if before.get(path) != after.get(path)}


def traces(host: Host) -> list[str]:
    """Find what is left of smallmail: names, contents of the system's own state, dangling links of units."""
    return host.run(_NAMES + _CONTENTS + _LINKS).stdout.splitlines()
