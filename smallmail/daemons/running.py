"""Start, stop, reload and ask the daemons, always by Debian's own commands, so that policy-rc.d is respected.

Where no service manager runs (a chroot, an image being built) nothing is started and no daemon counts as active. That
is not an error: the daemons start with the machine.
"""
import contextlib
import time
from typing import Dict, Iterable, List

from smallmail.daemons import table
from smallmail.daemons.daemon import Daemon
from smallmail.daemons.listening import IMPLICIT, Port
from smallmail.machine import probes, services
from smallmail.machine.host import Failed, Host

# The processes of Postfix for ports 465 and 587, by master.cf's syslog_name; a container's processes are not ours.
_END_SUBMISSION = """
for folder in /proc/[0-9]*; do
    if tr '\\0' ' ' <"$folder/cmdline" 2>/dev/null | grep -q '^smtpd .*syslog_name=postfix/submission' &&
        [ "$(readlink "$folder/ns/pid")" = "$(readlink /proc/self/ns/pid)" ]; then
        kill "${folder#/proc/}"
    fi
done"""


def invoke(host: Host, action: str, daemon: Daemon) -> None:
    """Start, stop, restart or reload the daemon. Raises Failed if it does not come up."""
    if services.managed() and action in ("start", "restart"):
        # systemd refuses a sixth start within ten seconds, also an admin's (systemd.unit(5), StartLimitBurst=).
        with contextlib.suppress(Failed):
            host.run(["systemctl", "reset-failed", daemon.unit + ".service"])
    if services.managed() and daemon.own_unit:
        # deb-systemd-invoke does not start a unit that only another unit wants; no admin's policy is about this one.
        host.run(["systemctl", action, daemon.unit + ".service"])
    elif services.managed():
        host.run(["deb-systemd-invoke", action, daemon.unit + ".service"])
    elif not daemon.own_unit:
        host.run(["invoke-rc.d", daemon.unit, "restart"])


def hand_back(host: Host) -> List[str]:
    """Let the daemons read their former configuration. Returns a sentence for each that fails: the removal must not
    fail because a daemon does not start with what it had before."""
    sentences = []
    for daemon in table.ALL:
        try:
            for unit in daemon.socket_units if services.managed() else ():
                if unit.startswith("smallmail-"):
                    host.run(["systemctl", "stop", unit])   # from now on the daemon listens by itself
            if active(host, daemon):
                invoke(host, "stop" if daemon.own_unit else "restart", daemon)
        except Failed as error:
            sentences.append(str(error))
    return sentences


def active(host: Host, daemon: Daemon) -> bool:
    """Tell whether the daemon runs now."""
    return services.managed() and services.state(host, daemon.unit) == "active"


def answers(port: Port, address: str = "") -> bool:
    """Tell whether a daemon greets as it should on that port, at that address or wherever it listens."""
    return probes.greets(port.number, port.tls == IMPLICIT, port.greeting, port.farewell, address)


def take_effect(host: Host, actions: Dict[str, str]) -> List[str]:
    """Carry out an action ("reload" or "restart") for each daemon that is named, and start those that do not run.
    Returns the units touched. Raises Failed, but not for our own daemons: mail flows without them.

    A unit that the admin disabled or masked is left alone: deb-systemd-invoke sees to that.
    """
    touched = []
    for daemon in table.ALL:
        action = actions.get(daemon.name, "")
        if services.managed() and not active(host, daemon):
            action = "start"
        if action:
            try:
                invoke(host, action, daemon)
            except Failed:
                if not daemon.own_unit:
                    raise
            touched.append(daemon.unit)
    return touched


def stop(host: Host, daemons: Iterable[Daemon]) -> None:
    """Stop those of the daemons that run. Raises Failed."""
    for daemon in daemons:
        if active(host, daemon):
            invoke(host, "stop", daemon)


def start(host: Host, daemons: Iterable[Daemon]) -> None:
    """Start those of the daemons that do not run. Raises Failed."""
    for daemon in daemons:
        if services.managed() and not active(host, daemon):
            invoke(host, "start", daemon)


def kick(host: Host, address: str) -> bool:
    """End the sessions of a mailbox. Returns whether Dovecot runs: doveadm fails if there is no session.

    It is not known which of Postfix's processes serves that login: all sessions of submission end. A mail program
    connects anew, and sends again what it was sending.
    """
    if services.managed():
        with contextlib.suppress(Failed):
            host.run(["sh", "-c", _END_SUBMISSION])
    if not active(host, table.BY_NAME["dovecot"]):
        return False
    with contextlib.suppress(Failed):
        host.run(["doveadm", "kick", address], seconds=20)
    return True


def failures(host: Host, seconds: float = 5.0) -> List[str]:
    """Return the units that systemd calls failed, or that are still starting after that time."""
    deadline = time.monotonic() + seconds
    while True:
        failed = [unit for unit in table.UNITS
                  if services.managed() and services.state(host, unit) in ("failed", "activating")]
        if not failed or time.monotonic() > deadline:
            return failed
        time.sleep(0.1)
