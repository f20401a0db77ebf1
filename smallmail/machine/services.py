"""Starting, reloading and asking after the daemons, always through Debian's own doors, so that policy-rc.d holds.

See deb-systemd-invoke(1p) and invoke-rc.d(8). Where no service manager runs (a chroot, an image being built) nothing is
started, and that is no error: the daemons start with the machine.
"""
import os

from smallmail.machine.host import Failed, Host


def managed() -> bool:
    """Whether systemd runs this machine (sd_booted(3))."""
    return os.path.isdir("/run/systemd/system")


def state(host: Host, service: str) -> str:
    """What systemd calls its state (systemctl(1)): active, inactive, failed…; of a unit of another kind by its full
    name."""
    unit = service if "." in service else service + ".service"
    try:
        shown = host.run(["systemctl", "show", "--property=ActiveState", unit])
    except Failed:
        return "unknown"
    return shown.strip().partition("=")[2]
