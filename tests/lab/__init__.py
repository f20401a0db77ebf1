"""A lab of hosts: cached Debian roots, chroots, booted machines on a private network, a world around them.

    with World() as world:
        with world.machine(roots.base("trixie"), "mx.example.org", "203.0.113.10") as machine:
            machine.run("apt-get --version")

What a runner makes leaves with it, however it ends (session.py). Wants root; `can_boot` says what else it
misses.
"""

from . import packages, roots
from .ability import can_boot
from .chroot import Chroot
from .clients import Client, Reply, Server, converse
from .errors import LabError, until
from .machine import Machine, Memory
from .network import Namespace, inside
from .session import Stopped
from .world import World

__all__ = [
    "Chroot", "Client", "LabError", "Machine", "Memory", "Namespace", "Reply", "Server", "Stopped",
    "World", "can_boot", "converse", "inside", "packages", "roots", "until",
]
