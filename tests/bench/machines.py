"""Measure the idle memory of a machine with smallmail-server beside one with the same daemons as Debian ships them, and
how fast mail goes through. Figures of one run as ratios; no pass or fail. SUITE, SECONDS_SETTLED in the environment."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.lab import Machine, Memory, World, can_boot, packages, roots
from tests.support.mail_host import PASSWORD, MailHost

STOCK = ("postfix postfix-pcre postfix-sqlite dovecot-imapd dovecot-lmtpd dovecot-sieve dovecot-managesieved"
         " dovecot-sqlite rspamd unbound certbot").split()
SETTLED = int(os.environ.get("SECONDS_SETTLED", "120"))
# Rspamd's memory depends on when it compiled its patterns: both states are measured, on both machines.
STATES = ("installed", "rebooted")
BURST = 500


def idle(machine: Machine) -> list[Memory]:
    """Memory after the installation and after a reboot, each SETTLED seconds later; nobody speaks to the machine."""
    time.sleep(SETTLED)
    installed = machine.memory()
    machine.reboot()
    time.sleep(SETTLED)
    return [installed, machine.memory()]


def tell(name: str, figures: Sequence[Memory]) -> None:
    """Both totals, and what takes the most."""
    for state, memory in zip(STATES, figures, strict=True):
        largest = ", ".join(f"{program} {size // 1024}" for program, size in list(memory.by_name.items())[:6])
        print(f"  {name:9} {state}: {memory.total // 1024:4} MiB  ({largest})")


def main() -> None:
    """Measure and print."""
    suite = os.environ.get("SUITE", "trixie")
    reason = can_boot() or roots.available(suite)
    if reason:
        sys.exit(reason)
    deb = packages.build(Path(__file__).parents[2])
    with World() as world:
        with world.machine(roots.warm(suite, deb), "stock.example.org", "203.0.113.11") as stock:
            packages.install(stock, *STOCK)
            before = idle(stock)
        with MailHost(suite, deb, world) as ours:
            after = idle(ours.machine)
            ours.smallmail("user add --password-stdin burst@example.org", PASSWORD + "\n")
            seconds, deferred = ours.burst("burst@example.org", BURST)
    print(f"{suite}: idle memory of the whole machine (sum of proportional set sizes)")
    tell("stock", before)
    tell("smallmail", after)
    for state, theirs, own in zip(STATES, before, after, strict=True):
        print(f"  ratio {state}, after {SETTLED} s: {own.total / theirs.total:.2f}")
    print(f"burst of {BURST} messages to one mailbox: {seconds:.1f} s, {deferred} deferred")
