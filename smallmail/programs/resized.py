"""Let the configuration follow what this host has: a container gets another limit of memory, a virtual machine more
cores, a kernel is started without IPv6. At each start of a daemon (`run ready`), and while they run.

What the admin has changed in the settings and not applied yet stays so: then `smallmail plan` shows this, too.
"""
from smallmail.configuration import apply, effects, in_force, plan
from smallmail.configuration.record import Record
from smallmail.machine import state
from smallmail.machine.host import Host
from smallmail.resources import differ_much, measured, resources_change
from smallmail.settings.fields import Settings


def follow(host: Host, settings: Settings) -> None:
    """Apply what fits the host now, if the configuration was made for quite other resources. Raises Problem."""
    if not state.in_charge(host.root):
        return
    record, now = in_force.load_record(host), measured(host.root)
    others = [had for had in record.made_for.values() if differ_much(had, now)]
    if others and not any(_waits(host, settings, record, daemon) for daemon in record.made_for):
        apply.apply(host, settings, resources_change(now, others[0]))


def is_due(host: Host, settings: Settings, record: Record, daemon: str) -> bool:
    """Tell whether the daemon's configuration was made for other resources, and nothing else of it waits to be applied.
    Raises Problem."""
    had = record.made_for.get(daemon)
    if had is None or had == measured(host.root):
        return False
    return not _waits(host, settings, record, daemon)


def _waits(host: Host, settings: Settings, record: Record, daemon: str) -> bool:
    """Tell whether there would be changes for the daemon even if the host had what it had then."""
    changes = apply.job(host, settings, resources=record.made_for[daemon]).changes
    return any(effects.is_read_by(daemon, change.kind, change.name) for change in plan.to_do(changes))
