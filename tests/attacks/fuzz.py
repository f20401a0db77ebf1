"""Look for letters that cost a scanner much, for so many seconds: kinds, sizes and mixtures by chance.

    SMALLMAIL_DEB=$(ls build/*_all.deb) /usr/bin/python3 -B -m tests.attacks.fuzz --seconds 3600 trixie

It boots a host, sends letters from outside, and prints what each one costs Rspamd in time of the processor. What costs
more than a second is printed again at the end; `--seed` makes the same letters. What it finds becomes a line in
costly.KINDS.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from . import costly

if TYPE_CHECKING:
    from tests.support.mail_host import MailHost

TICKS = os.sysconf("SC_CLK_TCK")
SIZES = (10_000, 60_000, 300_000, 1_000_000, 1_040_000, 5_000_000, 20_000_000)


class Try(NamedTuple):
    """What makes one letter; the same makes the same."""

    kind: str
    size: int
    seed: int
    mixed_with: str = ""


def processor_time(host: MailHost) -> float:
    """The seconds that the living processes of Rspamd have used."""
    seconds = 0.0
    for pid, name in host.machine.processes().items():
        if name.startswith("rspamd"):
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            seconds += (int(fields[11]) + int(fields[12])) / TICKS
    return seconds


def letter(what: Try) -> bytes:
    """Make the letter; mixed ones have both kinds as parts, or one in place of bytes of the other."""
    chance = random.Random(what.seed)
    made = costly.KINDS[what.kind](what.size, chance)
    if not what.mixed_with:
        return made
    other = costly.KINDS[what.mixed_with](what.size, chance)
    if what.seed % 2:
        return costly.mixture([made, other], chance)
    return costly.spliced(made, other, chance)


def cost(host: MailHost, what: Try) -> float:
    """Send the letter. Returns the seconds of processor time that Rspamd has used until it has answered."""
    message = letter(what)
    before = processor_time(host)
    host.world.foreign.send(host.server, "bob@example.net", "alice@example.org", message)
    return processor_time(host) - before


def tries(seed: int) -> list[Try]:
    """A round: each kind in a size by chance, alone and mixed with another."""
    chance = random.Random(seed)
    names = list(costly.KINDS)
    return [Try(name, chance.choice(SIZES), chance.getrandbits(32), mixed)
            for name in names for mixed in ("", chance.choice(names))]


def main() -> None:
    from tests.lab import World  # noqa: PLC0415 (it makes namespaces)
    from tests.lab.installed import installed  # noqa: PLC0415
    from tests.support.mail_host import ANSWERS, MailHost  # noqa: PLC0415

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("suite")
    given = parser.parse_args()
    deb = Path(os.environ["SMALLMAIL_DEB"]).resolve()
    until, found, done = time.monotonic() + given.seconds, dict[Try, float](), 0
    with World() as world, MailHost(given.suite, deb, world, installed=installed(given.suite, deb, ANSWERS)) as host:
        while time.monotonic() < until:
            for what in tries(given.seed + done):
                try:
                    seconds = cost(host, what)
                except OSError as broken:
                    print(f"{what}: {broken!r}", flush=True)
                    continue
                done += 1
                print(f"{seconds:6.2f} s {what}", flush=True)
                if seconds > 1:
                    found[what] = seconds
                if time.monotonic() > until:
                    break
    print(f"{done} letters; these cost more than a second:")
    for what in sorted(found, key=found.__getitem__, reverse=True):
        print(f"{found[what]:6.2f} s {what}")


if __name__ == "__main__":
    main()
