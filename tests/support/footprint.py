"""Find what a runner of the lab has on this host: processes, mounts, devices, networks, folders."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from tests.lab import until
from tests.lab.groups import Group, hierarchies
from tests.lab.session import CACHE, NETNS, RUN


def footprint(pid: int) -> dict[str, list[Any]]:
    """Whatever on this host carries the name of that runner's session."""
    folder = str(CACHE / "sessions" / str(pid))
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    loops = subprocess.run(["losetup", "--list"], check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    groups = [str(path) for top in hierarchies("cgroup2") + hierarchies("cgroup")
              for path in top.glob(f"smallmail-lab-{pid}")]
    links = subprocess.run(["ip", "-o", "link"], check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    return {
        "processes": Group(f"smallmail-lab-{pid}").processes(),
        "reaper": reapers(pid),
        "groups": groups,
        "mounts": [line for line in mounts if folder in line],
        "loop devices": [line for line in loops.splitlines() if folder in line],
        "namespaces": [str(path) for path in NETNS.glob(f"smallmail-{pid}-*")],
        "interfaces": [line for line in links.splitlines() if "port" in line or "switch" in line],
        "folders": [path for path in (folder, str(RUN / str(pid))) if os.path.exists(path)],
    }


def reapers(pid: int) -> list[int]:
    """The processes that are to sweep that runner's session."""
    found = subprocess.run(["pgrep", "-f", rf"tests\.lab\.reaper {pid} "], stdout=subprocess.PIPE, check=False,
                           encoding="ascii").stdout
    return [int(line) for line in found.splitlines()]


def wait_for_nothing(pid: int) -> None:
    """What is swept after a runner's end is gone soon."""
    until(lambda: not any(footprint(pid).values()), "nothing to be left", 60, lambda: str(footprint(pid)))
