"""Check the machine itself: its name, its clock, disk space, services, and whether its files are still as smallmail
wrote them. `smallmail status` judges disks, services and files by the same functions."""
import json
import os
import shlex
from typing import Dict, Iterator, List, NamedTuple, Optional

from smallmail.check import units
from smallmail.check.probes import clock
from smallmail.configuration import apply, plan, set_aside as configuration_set_aside
from smallmail.configuration.plan import Change
from smallmail.daemons import table
from smallmail.findings import Finding, Group
from smallmail.machine import addresses, services
from smallmail.machine.host import Failed, Host
from smallmail.settings import values
from smallmail.settings.fields import Settings
from smallmail.zones import asking, points_here
from smallmail.zones.answers import Unanswered

_GROUP = Group("host")
_TIME_SERVERS = "2.debian.pool.ntp.org"     # as Debian's own systemd-timesyncd has it
_WRONG_CLOCK = 30.0     # seconds: greylisting, certificates and signatures tolerate less
_CLOCK = "clock"

# Of a large disk a small part is still much.
_FEW_PERCENT = 5
_MUCH = 5 << 30

# systemd's message when the kernel ends a process of a unit because memory ran out (SD_MESSAGE_UNIT_OUT_OF_MEMORY).
# Every user can write such a message: only journald itself writes the process' number (systemd.journal-fields(7)).
_OUT_OF_MEMORY = "fe6faa94e7774663a0da52717891d8ef"
_JOBS = ["smallmail-certificate", "smallmail-dkim", "smallmail-check", "certbot"]

# What systemd calls the state of a unit.
_STATES = {"failed": "has failed", "inactive": "is not running", "activating": "is still starting",
           "deactivating": "is stopping", "unknown": "is in an unknown state"}

Space = NamedTuple("Space", [
    ("directory", str),
    ("device", int),
    ("free", int),          # bytes, as all users but root have them
    ("size", int),
    ("inodes_free", int),
    ("inodes", int),        # 0 where the file system has no fixed number
])


def findings(host: Host, settings: Settings) -> Iterator[Finding]:
    """Check all of the group. Yields what was found."""
    own = addresses.public()
    yield from names(settings.hostname, _output(host, ["hostname", "-f"]), host.text("etc/hostname").strip(),
                     host.text("etc/hosts"), own)
    yield from _clock(host, settings)
    seen = []   # type: List[int]
    for directory in (settings.mail_directory, "/var/spool/postfix", "/var/lib", "/var/log"):
        disk = space(host, directory)
        if disk.device not in seen:
            yield from full(disk)
        seen.append(disk.device)
    if services.managed():
        yield from _services(host, settings)
    yield from restart(host.exists("run/reboot-required"))
    yield from drift(apply.job(host, settings).changes)
    yield from set_aside(["/" + path for path in configuration_set_aside.files(host)])


def names(wanted: str, full_name: str, node: str, hosts: str, own: List[str]) -> Iterator[Finding]:
    """Judge whether the host agrees with itself on its name. `full_name`: what `hostname -f` says; `node`:
    /etc/hostname; `hosts`: /etc/hosts; `own`: the host's public addresses. Yields what was found."""
    short = wanted.partition(".")[0]
    rename = [] if node in (short, wanted) else ["hostnamectl set-hostname {}".format(short)]
    line = "Put '{} {} {}' into /etc/hosts".format((own or ["192.0.2.1"])[0], wanted, short)
    placeholder = "" if own else " (with an address of this host in the place of 192.0.2.1)"
    why = "Programs that ask the host for its name send another one than Postfix greets with."
    if not full_name:
        yield _GROUP.problem("the host does not know its full name: 'hostname -f' fails", why, rename,
                             advice=line + placeholder + ".")
    elif "." not in full_name or full_name.startswith("localhost."):
        yield _GROUP.problem("'hostname -f' says {}, and not {}".format(full_name, wanted), why, rename,
                             advice="{}{}, before any other line with that address or with {}.".format(
                                 line, placeholder, short))
    elif full_name.lower() != wanted:
        yield _GROUP.note("'hostname -f' says {}, and not {}: programs other than Postfix use that name".format(
            full_name, wanted))
    for words in (text.partition("#")[0].lower().split() for text in hosts.splitlines()):
        if wanted in words[1:] and values.is_address(words[0]) and not points_here.is_ours(words[0], own):
            yield _GROUP.problem("/etc/hosts has {} for {}, which is not an address of this host".format(
                words[0], wanted), "What this host sends to itself goes elsewhere.", advice=line + placeholder + ".")


def _clock(host: Host, settings: Settings) -> Iterator[Finding]:
    if clock.synchronised():
        return
    contained = bool(_output(host, ["systemd-detect-virt", "--container"]))
    try:
        servers = asking.lookup(asking.servers(["system"])).ask(_TIME_SERVERS, "A")
    except Unanswered:
        servers = []
    offsets = (clock.offset(address) for address in servers[:2])
    yield from clock_judged(next((each for each in offsets if each is not None), None), contained)


def clock_judged(offset: Optional[float], contained: bool) -> Iterator[Finding]:
    """Judge a clock that the kernel does not know to be synchronised. `offset`: by how many seconds it is behind, None
    where that is not known; `contained`: this is a container. Yields what was found."""
    if offset is None:
        yield _GROUP.unknown("the clock", "no time synchronisation is running, and no time server could be reached",
                             [_CLOCK])
    elif abs(offset) > _WRONG_CLOCK:
        yield _GROUP.problem(
            "the clock is wrong", "It is {} {}. Certificates, signatures and the date in mail depend on it.".format(
                units.duration(abs(offset)), "behind" if offset > 0 else "ahead"),
            [] if contained else ["apt install systemd-timesyncd"], about=[_CLOCK],
            advice="Set the clock of the machine that runs this container, and synchronise it." if contained else "")
    elif not contained:
        yield _GROUP.note("the clock is right, but not synchronised ('apt install systemd-timesyncd' synchronises it)")


def space(host: Host, directory: str) -> Space:
    """Measure the disk where that directory is, or will be. Returns what was measured."""
    folder = host.path(directory[1:])
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    found = os.statvfs(folder)
    return Space(directory, os.stat(folder).st_dev, found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize,
                 found.f_favail, found.f_files)


def full(disk: Space) -> Iterator[Finding]:
    """Judge whether a disk has space left. Yields what was found."""
    folder = shlex.quote(disk.directory)
    if disk.free < min(disk.size * _FEW_PERCENT // 100, _MUCH):
        yield _GROUP.problem(
            "the disk under {} is nearly full".format(disk.directory),
            "{} of {} are free. Postfix does not accept mail any more when it is full.".format(
                units.size(disk.free), units.size(disk.size)), ["du -xh {} | sort -h | tail".format(folder)])
    if disk.inodes_free < disk.inodes * _FEW_PERCENT // 100:
        yield _GROUP.problem(
            "the disk under {} has hardly any inodes left".format(disk.directory),
            "{} of {} are free. Every message is a file.".format(disk.inodes_free, disk.inodes),
            ["du -x --inodes {} | sort -n | tail".format(folder)])


def _services(host: Host, settings: Settings) -> Iterator[Finding]:
    yield from stopped({name: services.state(host, name) for name in table.UNITS})
    yield from after_a_boot({name: _output(host, ["systemctl", "is-enabled", name]) for name in table.UNITS})
    yield from failed({name: services.state(host, name) for name in _JOBS})
    yield from timers({name: services.state(host, name + ".timer") for name in _timers(host, settings)})
    yield from out_of_memory(_output(host, ["journalctl", "-q", "--no-pager", "-o", "json", "--since=-1d",
                                            "MESSAGE_ID=" + _OUT_OF_MEMORY, "_PID=1"]))


def state_in_words(name: str, state: str) -> str:
    """Put the state of a unit, as systemd calls it, into words. Returns them."""
    return "{} {}".format(name, _STATES.get(state, "is " + state))


def stopped(states: Dict[str, str]) -> Iterator[Finding]:
    """Judge the states of services, as systemd calls them. Yields a problem for each that does not run."""
    for name, state in states.items():
        if state not in ("active", "reloading"):
            yield _GROUP.problem(state_in_words(name, state), "Mail is not delivered correctly while it is down.",
                                 ["journalctl -u {}".format(name), "systemctl restart {}".format(name)], hides=[name])


def after_a_boot(words: Dict[str, str]) -> Iterator[Finding]:
    """Judge by what 'systemctl is-enabled' says of services. Yields a problem for each that a boot does not start."""
    for name, word in words.items():
        if word in ("disabled", "masked", "masked-runtime"):
            yield _GROUP.problem("{} does not start with the machine: it is {}".format(name, word),
                                 "After the next boot mail is not delivered correctly.",
                                 ["systemctl unmask {}".format(name)] * ("masked" in word)
                                 + ["systemctl enable {}".format(name)])


def failed(states: Dict[str, str]) -> Iterator[Finding]:
    """Judge the states of the jobs besides the daemons. Yields a problem for each whose last run failed."""
    for name, state in states.items():
        if state == "failed":
            yield _GROUP.problem("{}.service failed when it last ran".format(name), "Its work is not being done.",
                                 ["journalctl -u {}".format(name)])


def timers(states: Dict[str, str]) -> Iterator[Finding]:
    """Judge the states of timers, as systemd calls them. Yields a problem for each that does not run."""
    for name, state in states.items():
        if state != "active":
            yield _GROUP.problem(state_in_words(name + ".timer", state), {
                "certbot": "The certificate is not renewed.",
                "smallmail-dkim": "The next DKIM keys do not start to sign, and old ones are not removed.",
                "smallmail-certificate": "A new certificate is neither requested nor put into use.",
            }.get(name, "You are not told by mail when something breaks."), [
                "systemctl enable --now {}.timer".format(name)])


def _timers(host: Host, settings: Settings) -> List[str]:
    # An admin who does not want the daily letter disables its timer.
    wanted = {"smallmail-certificate": True, "smallmail-dkim": True, "certbot": settings.certificate == "letsencrypt",
              "smallmail-check": _output(host, ["systemctl", "is-enabled", "smallmail-check.timer"]) != "disabled"}
    return [name for name in wanted if wanted[name]]


def out_of_memory(journal: str) -> Iterator[Finding]:
    """Judge the journal's entries of a day on processes that were ended for lack of memory. Yields a problem for each
    daemon."""
    ended = set()
    for line in journal.splitlines():
        ended.add(str(json.loads(line).get("UNIT", "")).partition(".")[0].partition("@")[0])
    for name in sorted(ended.intersection(table.UNITS)):
        yield _GROUP.problem("memory ran out: the kernel ended a process of {}".format(name),
                             "Whatever it was doing was interrupted; mail is delayed.", ["free -m"],
                             advice="Give the machine more memory, or swap space.")


def restart(is_required: bool) -> Iterator[Finding]:
    """Yield a note when an upgrade asks for a restart of the machine."""
    if is_required:
        yield _GROUP.note("the machine must be restarted to complete an upgrade (/run/reboot-required)")


def drift(changes: List[Change]) -> Iterator[Finding]:
    """Judge where the host differs from what the settings say. Yields a problem on what smallmail would change, and one
    note on what was changed by hand."""
    to_do, by_hand = plan.to_do(changes), plan.by_hand(changes)
    if to_do:
        yield _GROUP.problem("the configuration differs from the settings",
                             "; ".join(plan.describe(change) for change in to_do),
                             ["smallmail plan", "smallmail apply"])
    if by_hand:
        yield _GROUP.note(hand_made([plan.describe(change) for change in by_hand]))


def hand_made(descriptions: List[str]) -> str:
    """Put what was changed by hand into one sentence. Returns it."""
    return descriptions[0] if len(descriptions) == 1 else \
        "{} settings differ from what smallmail wrote, and smallmail will not touch them ('smallmail plan' lists" \
        " them)".format(len(descriptions))


def set_aside(paths: List[str]) -> Iterator[Finding]:
    """Yield a problem for each of the admin's own files that was set aside, given their paths."""
    for path in paths:
        yield _GROUP.problem("{} was set aside: the installed version does not accept it".format(path),
                             "What you set there is not in effect.", ["smallmail apply"],
                             advice="Correct the file and give it its name back, or remove it. Then type:")


def _output(host: Host, command: List[str]) -> str:
    """Run a command and ignore its exit code. Returns its output; nothing when there is no such program, or when it
    takes too long."""
    try:
        return host.run(["sh", "-c", '"$@" 2>/dev/null || true', "sh"] + command, seconds=20).strip()
    except Failed:
        return ""
