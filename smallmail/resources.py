"""Find out what this host may use: how much memory, how many cores, and whether the kernel has IPv6. A container or a
slice often has less than its host shows.

Of memory and cores, what counts is the smallest of what the kernel has and what control groups allow (cgroups(7)),
version 1 and 2: the groups from the top of what is visible here down to that of process 1, and system.slice, in which
systemd starts the daemons. Not the group of the process that asks, which may be anybody's session.
"""
import contextlib
import os
import re
import socket
from typing import Dict, Iterator, List, NamedTuple

_INIT = "/init.scope"
_SYSTEM = "/system.slice"
_MIB = 1024 * 1024
# With less Postfix and Dovecot do not even start; a limit of 0 is a mistake, and no reason for other mistakes.
_LEAST_MEMORY = 64

Resources = NamedTuple("Resources", [
    ("memory", int),    # MiB
    ("cores", int),
    ("ipv6", bool),     # programs can listen at addresses of IPv6
])


def measured(root: str = "/") -> Resources:
    """Measure what the mail server may use. Returns it; what cannot be read does not count."""
    return Resources(max(_LEAST_MEMORY, min(_memories(root))), max(1, min(_cores(root))), has_ipv6())


def has_ipv6() -> bool:
    """Tell whether the kernel has IPv6: it does not after ipv6.disable=1 on its command line."""
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_STREAM).close()
    except OSError:
        return False
    return True


def resources_change(now: Resources, before: Resources) -> str:
    """Return in words how the resources have changed."""
    return "this host has {} (it had {})".format(_words(now), _words(before))


def differ_much(one: Resources, other: Resources) -> bool:
    """Tell whether limits should change while the daemons run. A virtual machine with a balloon has a little more or
    less memory every minute (the kernel takes its memory away, and gives it back)."""
    smaller, larger = sorted((one.memory, other.memory))
    return one[1:] != other[1:] or smaller * 4 < larger * 3


def _words(found: Resources) -> str:
    return "{} MiB of memory, {} core{}, {}IPv6".format(
        found.memory, found.cores, "" if found.cores == 1 else "s", "" if found.ipv6 else "no ")


def _memories(root: str) -> Iterator[int]:
    yield os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _MIB
    # In LXC, a file of lxcfs: it knows more than sysconf(3).
    for found in re.findall(r"^MemTotal:\s*(\d+) kB", _text(root, "proc/meminfo"), re.MULTILINE):
        yield int(found) // 1024
    for folder in _groups(root, "memory"):
        for name in ("memory.max", "memory.high", "memory.limit_in_bytes"):
            for found in re.findall(r"^\d+", _text(folder, name)):
                yield int(found) // _MIB


def _cores(root: str) -> Iterator[int]:
    yield os.cpu_count() or 1
    with contextlib.suppress(OSError):
        yield len(os.sched_getaffinity(1))
    for folder in _groups(root, "cpu"):
        quotas = [_text(folder, "cpu.max"),
                  _text(folder, "cpu.cfs_quota_us") + " " + _text(folder, "cpu.cfs_period_us")]
        for quota, period in re.findall(r"^(\d+)\s+([1-9]\d*)", "\n".join(quotas), re.MULTILINE):
            yield -(-int(quota) // int(period))     # one and a half are two


def _groups(root: str, controller: str) -> Iterator[str]:
    """Yield the folders of the control groups that may limit us, of both versions."""
    memberships = _memberships(root)
    for line in _text(root, "proc/self/mountinfo").splitlines():
        # 36 35 98:0 /the/group /where/it/is/mounted rw,noatime shared:1 - cgroup cgroup rw,memory (proc(5))
        mount, _, kind = line.partition(" - ")
        fields, (fstype, _, options) = mount.split(), (kind.split() + ["", "", ""])[:3]
        if fstype == "cgroup2" or (fstype == "cgroup" and controller in options.split(",")):
            inside = _below(fields[3], memberships.get("" if fstype == "cgroup2" else controller, "/"))
            for level in _levels(inside):
                yield os.path.join(root, fields[4].strip("/"), level.strip("/"))


def _memberships(root: str) -> Dict[str, str]:
    """Return the control group of process 1 by controller; that of version 2 by an empty name."""
    found = {}  # type: Dict[str, str]
    for line in _text(root, "proc/1/cgroup").splitlines():
        _, controllers, path = (line.split(":", 2) + ["", "", ""])[:3]
        found.update((controller, path) for controller in controllers.split(","))
    return found


def _below(mounted: str, path: str) -> str:
    """Return the way from the group that is mounted to that path; nothing if it is not below it, as in a container
    that knows its group by the host's name for it."""
    mounted = mounted.rstrip("/")
    return path[len(mounted):] if path.startswith(mounted + "/") and "/.." not in path else ""


def _levels(inside: str) -> List[str]:
    top = inside[:-len(_INIT)] if inside.endswith(_INIT) else inside.rstrip("/")
    names = top.split("/")
    return ["/".join(names[:count]) for count in range(1, len(names) + 1)] + [top + _SYSTEM]


def _text(root: str, path: str) -> str:
    try:
        with open(os.path.join(root, path), encoding="ascii", errors="replace") as stream:
            return stream.read().strip()
    except OSError:
        return ""
