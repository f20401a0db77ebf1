"""Starting, reloading and asking after the daemons, always through Debian's own doors, so that policy-rc.d holds.

See deb-systemd-invoke(1p) and invoke-rc.d(8). Where no service manager runs (a chroot, an image being built) nothing is
started, and that is no error: the daemons start with the machine.
"""
import contextlib
import os
import time
from typing import Dict, Iterable, Iterator, List

from smallmail.host import Failed, Host
from smallmail.plan import Change

REDIS = "smallmail-redis"
# In the order of starting: who needs another comes after it.
DAEMONS = [REDIS, "rspamd", "dovecot", "postfix"]

# Postfix's list of map types that came in packages of their own; the second since Postfix 3.11.
_MAP_TYPES = ("etc/postfix/dynamicmaps.cf", "usr/share/postfix/dynamicmaps.cf.d/sqlite.cf")

# clock_gettime(2); Python has the name since 3.7.
_CLOCK_BOOTTIME = 7

# postconf(5): after a change of these Postfix must be stopped and started.
_RESTART_POSTFIX = {"inet_interfaces", "inet_protocols"}
# A reload does not open other sockets, nor give them to other groups; nor make the list of suffixes that options.inc
# names (the unit's drop-in does).
_RESTART_RSPAMD = ("etc/rspamd/local.d/worker-", "etc/rspamd/local.d/options.inc")


def of(kind: str, name: str) -> str:
    """The service that reads that file, parameter or service."""
    folder = name.split("/")[1] if kind == "files" else "postfix"
    return "postfix" if folder == "mailname" else folder


def needed(to_do: Iterable[Change]) -> Dict[str, str]:
    """What each service needs so that it reads what changed: "reload" or "restart"."""
    actions = {}  # type: Dict[str, str]
    for change in to_do:
        service = of(change.kind, change.name)
        if ((change.kind == "parameters" and change.name in _RESTART_POSTFIX)
                or change.name.startswith(_RESTART_RSPAMD)):
            actions[service] = "restart"
        actions.setdefault(service, "reload")
    return actions


def managed() -> bool:
    """Whether systemd runs this machine (sd_booted(3))."""
    return os.path.isdir("/run/systemd/system")


def invoke(host: Host, action: str, service: str) -> None:
    """start, restart or reload that service; raises Failed when it does not come up."""
    if managed() and service == REDIS:
        # deb-systemd-invoke starts no unit that is only wanted by another; this one is nobody's but ours.
        host.run(["systemctl", action, service + ".service"])
    elif managed():
        host.run(["deb-systemd-invoke", action, service + ".service"])
    elif service != REDIS:
        host.run(["invoke-rc.d", service, "restart"])


def active(host: Host, service: str) -> bool:
    """Whether the service runs now."""
    if not managed():
        return False
    return state(host, service) == "active"


def take_effect(host: Host, actions: Dict[str, str]) -> List[str]:
    """Carry out an action ("reload" or "restart") for each service, start those that do not run; the services touched.

    One that the admin disabled or masked is left alone: deb-systemd-invoke sees to that.
    """
    touched = []
    for service in DAEMONS:
        action = actions.get(service, "")
        if managed() and not active(host, service):
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
        bad = [service for service in DAEMONS if managed() and state(host, service) in ("failed", "activating")]
        if not bad or time.monotonic() > deadline:
            return bad
        time.sleep(0.1)


def state(host: Host, service: str) -> str:
    """What systemd calls its state (systemctl(1)): active, inactive, failed…; of a unit of another kind by its full
    name."""
    unit = service if "." in service else service + ".service"
    try:
        shown = host.run(["systemctl", "show", "--property=ActiveState", unit])
    except Failed:
        return "unknown"
    return shown.strip().partition("=")[2]
