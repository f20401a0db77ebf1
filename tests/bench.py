"""make bench: the idle memory of a machine with smallmail-server beside one with the same daemons as Debian ships them,
and how fast mail goes through. Figures of one run as ratios; no pass or fail. SUITE, SECONDS_SETTLED."""
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.lab import World, can_boot, packages, roots  # noqa: E402
from tests.system.mailhost import PASSWORD, MailHost  # noqa: E402

STOCK = ("postfix postfix-pcre postfix-sqlite dovecot-imapd dovecot-lmtpd dovecot-sieve dovecot-managesieved"
         " dovecot-sqlite rspamd unbound certbot").split()
SETTLED = int(os.environ.get("SECONDS_SETTLED", "120"))
# Rspamd's memory depends on when it compiled its patterns: both states are measured, on both machines.
STATES = ("installed", "rebooted")
BURST = 500


def idle(machine):
    """Memory after the installation and after a reboot, each SETTLED seconds later; nobody speaks to the machine."""
    time.sleep(SETTLED)
    installed = machine.memory()
    machine.reboot()
    time.sleep(SETTLED)
    return [installed, machine.memory()]


def tell(name, figures):
    """Both totals, and what takes the most."""
    for state, memory in zip(STATES, figures, strict=True):
        largest = ", ".join("{} {}".format(program, size // 1024) for program, size in list(memory.by_name.items())[:6])
        print("  {:9} {}: {:4} MiB  ({})".format(name, state, memory.total // 1024, largest))


def main():
    """Measure and print."""
    suite = os.environ.get("SUITE", "trixie")
    reason = can_boot() or roots.available(suite)
    if reason:
        sys.exit(reason)
    deb = packages.build(Path(__file__).parent.parent)
    with World() as world:
        with world.machine(roots.warm(suite, deb), "stock.example.org", "203.0.113.11") as stock:
            packages.install(stock, *STOCK)
            before = idle(stock)
        with MailHost(suite, deb, world) as ours:
            after = idle(ours.machine)
            ours.smallmail("user add --password-stdin burst@example.org", PASSWORD + "\n")
            seconds, deferred = ours.burst("burst@example.org", BURST)
    print("{}: idle memory of the whole machine (sum of proportional set sizes)".format(suite))
    tell("stock", before)
    tell("smallmail", after)
    for state, theirs, own in zip(STATES, before, after, strict=True):
        print("  ratio {}, after {} s: {:.2f}".format(state, SETTLED, own.total / theirs.total))
    print("burst of {} messages to one mailbox: {:.1f} s, {} deferred".format(BURST, seconds, deferred))


if __name__ == "__main__":
    main()
