"""Let a running Postfix learn its map types again after an upgrade of postfix-sqlite."""
import contextlib
import os
import time
from typing import Iterator

from smallmail.daemons import running
from smallmail.daemons.postfix import POSTFIX
from smallmail.machine.host import Host

# Postfix's list of the map types that have packages of their own; the second since Postfix 3.11.
_MAP_TYPES = ("etc/postfix/dynamicmaps.cf", "usr/share/postfix/dynamicmaps.cf.d/sqlite.cf")

# clock_gettime(2); Python has the name since 3.7.
_CLOCK_BOOTTIME = 7


def renew(host: Host) -> bool:
    """Reload Postfix if one of its processes is older than the list of map types. Returns whether it was. Raises
    Failed.

    While postfix-sqlite is upgraded, its type is not in dynamicmaps.cf. A proxymap(8) that starts then refuses our
    tables as long as it lives, and mail that keeps asking it keeps it alive.
    """
    changed = max([os.stat(host.path(path)).st_ctime for path in _MAP_TYPES if host.exists(path)] or [0.0])
    if not running.active(host, POSTFIX) or all(start > changed for start in start_times(host, "proxymap")):
        return False
    running.invoke(host, "reload", POSTFIX)
    # Mail that was deferred because of it would wait for minutes more.
    host.run(["postqueue", "-f"], seconds=20)
    return True


def start_times(host: Host, program: str) -> Iterator[float]:
    """Yield when each running process of that name was started, in seconds since the epoch (proc(5): PID/stat).

    proc/stat tells when the machine was started, but only in whole seconds: a process could seem older than it is.
    """
    boot = time.time() - time.clock_gettime(_CLOCK_BOOTTIME)
    for pid in filter(str.isdigit, host.names("proc")):
        with contextlib.suppress(ProcessLookupError):   # it has just ended
            # The name is in parentheses; the start is the 22nd field, in ticks since the boot.
            name, _, fields = host.text("proc/{}/stat".format(pid)).rpartition(")")
            if name.endswith("(" + program):
                yield boot + float(fields.split()[19]) / os.sysconf("SC_CLK_TCK")
