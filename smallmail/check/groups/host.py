"""The check of the machine itself: its name, its clock, its room, its services, and whether all is as was written."""
import json
from typing import Dict, Iterator, List, Optional

from smallmail.check import condition
from smallmail.check.probes import clock
from smallmail.configuration import apply, set_aside
from smallmail.daemons import table
from smallmail.findings import Finding, Group
from smallmail.machine import addresses, services
from smallmail.machine.host import Failed, Host
from smallmail.settings import values
from smallmail.settings.fields import Settings
from smallmail.zones import points_here, resolver
from smallmail.zones.answers import Unanswered

_GROUP = Group("host")
_TIME_SERVERS = "2.debian.pool.ntp.org"     # as Debian's own systemd-timesyncd has it
_WRONG_CLOCK = 30.0     # seconds: greylisting, certificates and signatures bear less

# systemd's message when the kernel ends a process of a unit because memory ran out (SD_MESSAGE_UNIT_OUT_OF_MEMORY).
_OUT_OF_MEMORY = "fe6faa94e7774663a0da52717891d8ef"
_OTHERS = ["smallmail-certificate", "smallmail-dkim", "smallmail-check", "certbot"]


def findings(host: Host, settings: Settings) -> Iterator[Finding]:
    """All of the group."""
    own = addresses.public()
    yield from names(settings.hostname, _said(host, ["hostname", "-f"]), host.text("etc/hostname").strip(),
                     host.text("etc/hosts"), own)
    yield from _clock(host, settings)
    seen = []   # type: List[int]
    for directory in (settings.mail_directory, "/var/spool/postfix", "/var/lib", "/var/log"):
        room = condition.space(host, directory)
        if room.device not in seen:
            yield from condition.full(room)
        seen.append(room.device)
    if services.managed():
        yield from condition.stopped({name: services.state(host, name) for name in table.UNITS})
        yield from after_a_boot({name: _said(host, ["systemctl", "is-enabled", name]) for name in table.UNITS})
        yield from failed({name: services.state(host, name) for name in _OTHERS})
        yield from timers({name: services.state(host, name + ".timer") for name in _timers(host, settings)})
        yield from out_of_memory(_said(host, ["journalctl", "-q", "--no-pager", "-o", "json", "--since=-1d",
                                              "MESSAGE_ID=" + _OUT_OF_MEMORY]))
    if host.exists("run/reboot-required"):
        yield _GROUP.note("an upgrade waits for a restart of the machine (/run/reboot-required)")
    yield from condition.drift(apply.job(host, settings).changes)
    yield from condition.set_aside(["/" + path for path in set_aside.files(host)])


def names(wanted: str, full: str, node: str, hosts: str, own: List[str]) -> Iterator[Finding]:
    """Whether the host agrees with itself on its name. `full`: what `hostname -f` says; `node`: /etc/hostname."""
    short = wanted.partition(".")[0]
    rename = "" if node in (short, wanted) else "\nhostnamectl set-hostname {}".format(short)
    address = (own or ["192.0.2.1"])[0]
    line = "in /etc/hosts: {} {} {}".format(address, wanted, short)
    if not own:
        line += " (with an address of this host instead of {})".format(address)
    why = "Programs that ask the host for its name put another one into what they send than Postfix greets with."
    if not full:
        yield _GROUP.problem("the host does not know its full name: 'hostname -f' fails", why, line + rename)
    elif "." not in full or full.startswith("localhost."):
        yield _GROUP.problem("'hostname -f' says {}, and not {}".format(full, wanted), why, "{}, before any other line"
                             " with that address, or with {}{}".format(line, short, rename))
    elif full.lower() != wanted:
        yield _GROUP.note("'hostname -f' says {}, and not {}: programs besides Postfix go by that".format(full, wanted))
    for words in (text.partition("#")[0].lower().split() for text in hosts.splitlines()):
        if wanted in words[1:] and values.is_address(words[0]) and not points_here.leads_here(words[0], own):
            yield _GROUP.problem("/etc/hosts has {} for {}, which is not an address of this host".format(
                words[0], wanted), "What this host sends to itself goes elsewhere.", line)


def _clock(host: Host, settings: Settings) -> Iterator[Finding]:
    if clock.synchronised():
        return
    contained = bool(_said(host, ["systemd-detect-virt", "--container"]))
    try:
        servers = resolver.Lookup(resolver.servers(["system"])).ask(_TIME_SERVERS, "A")
    except Unanswered:
        servers = []
    offsets = (clock.offset(address) for address in servers[:2])
    yield from clock_judged(next((each for each in offsets if each is not None), None), contained)


def clock_judged(offset: Optional[float], contained: bool) -> Iterator[Finding]:
    """What to say of a clock that nothing keeps right, for all the kernel knows. `offset`: what it is behind by."""
    if offset is None:
        yield _GROUP.unknown("whether the clock is right: nothing tells the kernel, and no time server answers",
                             "the clock is wrong")
    elif abs(offset) > _WRONG_CLOCK:
        yield _GROUP.problem(
            "the clock is wrong", "It is {} seconds {}. Certificates, signatures and the date in mail go by it."
            .format(int(abs(offset)), "behind" if offset > 0 else "ahead"),
            "on the machine that this container runs on: set the clock, and let it be kept right" if contained
            else "apt install systemd-timesyncd")
    elif not contained:
        yield _GROUP.note("the clock is right, but nothing seems to keep it so ('apt install systemd-timesyncd' does)")


def after_a_boot(words: Dict[str, str]) -> Iterator[Finding]:
    """The services that will not be there after a boot, by what 'systemctl is-enabled' says of each."""
    for name, word in words.items():
        if word in ("disabled", "masked", "masked-runtime"):
            yield _GROUP.problem("{} does not start with the machine: it is {}".format(name, word),
                                 "After the next boot mail does not flow as it should.",
                                 ("systemctl unmask {0}\n" if "masked" in word else "").format(name)
                                 + "systemctl enable {}".format(name))


def failed(states: Dict[str, str]) -> Iterator[Finding]:
    """The jobs beside the daemons whose last run went wrong."""
    for name, word in states.items():
        if word == "failed":
            yield _GROUP.problem("{}.service failed when it last ran".format(name), "What it cares for is not done.",
                                 "journalctl -u {}".format(name))


def timers(states: Dict[str, str]) -> Iterator[Finding]:
    """The timers that do not run, by what systemd calls their state."""
    for name, word in states.items():
        if word != "active":
            yield _GROUP.problem("{}.timer is {}".format(name, word), {
                "certbot": "The certificate is not renewed.",
                "smallmail-dkim": "The next DKIM keys never sign, nor do old ones go.",
                "smallmail-certificate": "A new certificate is not asked for, nor served when it is there.",
            }.get(name, "Nobody is told by mail of what goes wrong."), "systemctl enable --now {}.timer".format(name))


def _timers(host: Host, settings: Settings) -> List[str]:
    # Who wants no letters disables that timer.
    wanted = {"smallmail-certificate": True, "smallmail-dkim": True, "certbot": settings.certificate == "letsencrypt",
              "smallmail-check": _said(host, ["systemctl", "is-enabled", "smallmail-check.timer"]) != "disabled"}
    return [name for name in wanted if wanted[name]]


def out_of_memory(journal: str) -> Iterator[Finding]:
    """Whose processes were ended since yesterday, by the journal's entries on that."""
    units = set()
    for line in journal.splitlines():
        units.add(str(json.loads(line).get("UNIT", "")).partition(".")[0].partition("@")[0])
    for name in sorted(units.intersection(table.UNITS)):
        yield _GROUP.problem("memory ran out for {}: the kernel ended a process of it".format(name),
                             "What it was at work on was cut off; mail is late.",
                             "free -m\ngive the machine more memory, or swap")


def _said(host: Host, command: List[str]) -> str:
    """Its output, without a look at its exit code; nothing when there is no such program, or it takes too long."""
    try:
        return host.run(["timeout", "20", "sh", "-c", '"$@" 2>/dev/null || true', "sh"] + command).strip()
    except Failed:
        return ""
