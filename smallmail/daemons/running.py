"""What was carried out of larger files: see the names below."""
import contextlib
import os
import time
from typing import Dict, Iterator, List

from smallmail.machine import services
from smallmail.machine.host import Host

REDIS = "smallmail-redis"

# In the order of starting: who needs another comes after it.
DAEMONS = [REDIS, "rspamd", "dovecot", "postfix"]

# Postfix's list of map types that came in packages of their own; the second since Postfix 3.11.
_MAP_TYPES = ("etc/postfix/dynamicmaps.cf", "usr/share/postfix/dynamicmaps.cf.d/sqlite.cf")

# clock_gettime(2); Python has the name since 3.7.
_CLOCK_BOOTTIME = 7


def invoke(host: Host, action: str, service: str) -> None:
    """start, restart or reload that service; raises Failed when it does not come up."""
    if services.managed() and service == REDIS:
        # deb-systemd-invoke starts no unit that is only wanted by another; this one is nobody's but ours.
        host.run(["systemctl", action, service + ".service"])
    elif services.managed():
        host.run(["deb-systemd-invoke", action, service + ".service"])
    elif service != REDIS:
        host.run(["invoke-rc.d", service, "restart"])


def active(host: Host, service: str) -> bool:
    """Whether the service runs now."""
    if not services.managed():
        return False
    return services.state(host, service) == "active"


def take_effect(host: Host, actions: Dict[str, str]) -> List[str]:
    """Carry out an action ("reload" or "restart") for each service, start those that do not run; the services touched.

    One that the admin disabled or masked is left alone: deb-systemd-invoke sees to that.
    """
    touched = []
    for service in DAEMONS:
        action = actions.get(service, "")
        if services.managed() and not active(host, service):
            action = "start"
        if action:
            invoke(host, action, service)
            touched.append(service)
    return touched


def renew_maps(host: Host) -> bool:
    """Let Postfix know its map types again, when that is needed; whether it was.

    While postfix-sqlite is upgraded its type is not in dynamicmaps.cf. A proxymap(8) that was started then refuses our
    tables as long as it lives, and mail that is kept busy asking keeps it alive.
    """
    changed = max([os.stat(host.path(path)).st_ctime for path in _MAP_TYPES if host.exists(path)] or [0.0])
    if not active(host, "postfix") or all(started > changed for started in _started(host, "proxymap")):
        return False
    invoke(host, "reload", "postfix")
    host.run(["postqueue", "-f"])   # what waited because of it would wait for minutes more
    return True


def _started(host: Host, name: str) -> Iterator[float]:
    """When the running processes of that name were started, in seconds since the epoch (proc(5): PID/stat).

    proc/stat would tell when the machine was started, but in whole seconds: a process would be older than it is.
    """
    boot = time.time() - time.clock_gettime(_CLOCK_BOOTTIME)
    for pid in filter(str.isdigit, host.names("proc")):
        with contextlib.suppress(ProcessLookupError):   # it has just ended
            # The name is in parentheses; the start is the 22nd field, in ticks since the boot.
            named, _, rest = host.text("proc/{}/stat".format(pid)).rpartition(")")
            if named.endswith("(" + name):
                yield boot + float(rest.split()[19]) / os.sysconf("SC_CLK_TCK")


def failures(host: Host, seconds: float = 5.0) -> List[str]:
    """The daemons that systemd calls failed or that are still on their way after that time."""
    deadline = time.monotonic() + seconds
    while True:
        bad = [service for service in DAEMONS
               if services.managed() and services.state(host, service) in ("failed", "activating")]
        if not bad or time.monotonic() > deadline:
            return bad
        time.sleep(0.1)
