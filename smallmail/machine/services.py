"""Ask systemd about this machine's services.

In a chroot, or in an image that is being built, systemd does not run: then nothing is started, and the daemons start
with the machine. daemons/running.py starts and reloads.
"""
import os

from smallmail.machine.host import Failed, Host


def managed() -> bool:
    """Tell whether systemd runs (sd_booted(3)): on the machine that runs this code, whatever a Host's root is."""
    return os.path.isdir("/run/systemd/system")


def state(host: Host, service: str) -> str:
    """Ask systemd for a unit's state (systemctl(1)). Returns active, inactive, failed …, or "unknown" if systemd does
    not answer. `service`: a service without its ending, or another unit with it ("dovecot.socket")."""
    unit = service if "." in service else service + ".service"
    try:
        shown = host.run(["systemctl", "show", "--property=ActiveState", unit])
    except Failed:
        return "unknown"
    return shown.strip().partition("=")[2]


def is_disabled(host: Host, service: str) -> bool:
    """Tell whether that service exists and does not start with the machine, without being masked (systemctl(1))."""
    shown = host.run(["systemctl", "show", "--property=UnitFileState", service + ".service"])
    return shown.strip() == "UnitFileState=disabled"
