"""What this host must be able to do to be a lab."""

from __future__ import annotations

import os
import shutil
from functools import cache

from .errors import LabError
from .groups import hierarchies
from .network import Namespace
from .session import CACHE, current
from .tree import Tree

TOOLS = ("debootstrap", "systemd-nspawn", "nsenter", "ip", "losetup", "dpkg-scanpackages")


@cache
def can_boot() -> str | None:
    """None when machines can be booted here, else a sentence that says why they cannot."""
    if os.geteuid() != 0:
        return "booting machines wants root"
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        return f"{', '.join(missing)} not installed: tests/lab/setup.sh does it"
    if not hierarchies("cgroup2"):
        return "this host mounts no control groups of version 2 (cgroup2)"
    for what, attempt in (("control groups", _try_group), ("network namespaces", _try_namespace),
                          (f"overlays in {CACHE}", _try_overlay)):
        try:
            attempt()
        except (LabError, OSError) as error:
            return f"this host does not let us make {what}: {' '.join(str(error).split())}"
    return None


def _try_group() -> None:
    group = current().group.child("try")
    group.run(["true"])
    group.remove()


def _try_namespace() -> None:
    Namespace("try", "203.0.113.254").close()


def _try_overlay() -> None:
    lower = CACHE / "sessions"
    lower.mkdir(parents=True, exist_ok=True)
    Tree([lower], "try").close()
