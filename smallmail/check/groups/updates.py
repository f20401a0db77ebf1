"""The check of the packages that mail depends on: security updates, as apt's lists know them; nothing is downloaded."""
import csv
import os
import time
from typing import Any, Dict, Iterator, List

import apt_pkg

from smallmail.daemons import table
from smallmail.findings import Finding, Group
from smallmail.machine.host import Host
from smallmail.settings.fields import Settings

_GROUP = Group("updates")
_OWN = "smallmail-server"

# Packages are of mail when their source is one of these; what all of Debian uses (OpenSSL) is updated beside them.
_SOURCES = {source for daemon in table.ALL for source in daemon.sources}.union(
    ["certbot", "python-certbot", "unbound", "openssl", "python3-defaults", "glibc", _OWN])
_OLD_LISTS = 7 * 86400
_LISTS = ["var/lib/apt/lists", "var/lib/apt/lists/partial", "var/lib/apt/periodic/update-stamp"]
_STATUS = "var/lib/dpkg/status"
_RELEASES = "usr/share/distro-info/debian.csv"

# dpkg(1): not whole, and not on its way there by triggers.
_BROKEN = {"unpacked", "half-configured", "half-installed"}


def findings(host: Host, settings: Settings) -> Iterator[Finding]:
    """All of the group."""
    apt_pkg.init()
    by_itself = _unattended(host)
    yield from broken(of_mail(host.path(_STATUS)))
    yield from lists(time.time() - max(os.stat(host.path(path)).st_mtime for path in _LISTS if host.exists(path)),
                     any(name.endswith("_Packages") or "_Packages." in name for name in host.names(_LISTS[0])))
    yield from _GROUP.all_of(_pending(of_mail(host.path(_STATUS)), by_itself))
    if not by_itself:
        yield _GROUP.note("security updates are not installed by themselves: 'apt install unattended-upgrades' helps")
    yield from support(host.text(_RELEASES), _codename(host), time.strftime("%Y-%m-%d"))


def of_mail(status: str) -> Dict[str, str]:
    """The packages that mail depends on, and the state of each, from dpkg's list."""
    found = {}
    with apt_pkg.TagFile(status) as sections:
        for section in sections:
            if section.get("Source", section["Package"]).split()[0] in _SOURCES:
                found[section["Package"]] = section["Status"].split()[-1]
    return found


def _pending(names: Dict[str, str], by_itself: bool) -> Iterator[Finding]:
    cache = apt_pkg.Cache(None)
    chosen = apt_pkg.DepCache(cache)
    security, other = [], []    # type: List[str], List[str]
    for package in cache.packages:
        wanted = package.current_ver and package.name in names
        candidate = chosen.get_candidate_ver(package) if wanted else None
        if candidate and apt_pkg.version_compare(candidate.ver_str, package.current_ver.ver_str) > 0:
            newer = [version for version in package.version_list
                     if apt_pkg.version_compare(version.ver_str, package.current_ver.ver_str) > 0]
            (security if any(map(_is_security, newer)) else other).append(package.name)
    yield from pending(sorted(set(security)), sorted(set(other)), by_itself)


def _is_security(version: Any) -> bool:
    return any(file.label == "Debian-Security" or file.archive.endswith("-security")
               for file, _ in version.file_list)


def pending(security: List[str], other: List[str], by_itself: bool) -> Iterator[Finding]:
    """The updates that wait. `by_itself`: unattended-upgrades takes care of them."""
    words = "security updates wait: {}".format(", ".join(security))
    if security and by_itself:
        yield _GROUP.note(words + " (unattended-upgrades installs them)")
    elif security:
        yield _GROUP.problem(words, "What they mend is known to everybody.", "apt upgrade")
    if _OWN in other:
        yield _GROUP.note("there is a new version of smallmail-server ('apt upgrade' installs it)")


def lists(age: float, any_there: bool) -> Iterator[Finding]:
    """Whether apt's lists, which everything else here is read from, are of any worth."""
    why = "Nobody knows of security updates."
    fix = "apt update\napt install unattended-upgrades"
    if not any_there:
        yield _GROUP.problem("apt has no package lists", why, fix)
    elif age > _OLD_LISTS:
        yield _GROUP.problem("apt's package lists are old", "They were last renewed {} days ago. {}".format(
            int(age // 86400), why), fix)


def broken(states: Dict[str, str]) -> Iterator[Finding]:
    """The packages that dpkg left in pieces, by the state of each."""
    names = [name for name, state in sorted(states.items()) if state in _BROKEN]
    if names:
        yield _GROUP.problem("not wholly installed: {}".format(", ".join(names)), "They may fail when they start next.",
                             "dpkg --configure -a\napt --fix-broken install")


def support(releases: str, codename: str, today: str) -> Iterator[Finding]:
    """How long this Debian gets security updates, by distro-info-data's table."""
    for row in csv.DictReader(releases.splitlines()):   # type: Dict[str, str]
        ends = [row.get(name) or "" for name in ("eol", "eol-lts")]
        if codename and row.get("series") == codename and ends[0] and ends[0] < today:
            yield _GROUP.note("Debian {} is out of regular support since {}{}: upgrade to the next release".format(
                codename, ends[0], "; its long-term support ends {}".format(ends[1]) if ends[1] > today else ""))


def _unattended(host: Host) -> bool:
    """Whether unattended-upgrades is installed, and on (apt.systemd.daily)."""
    return host.exists("usr/bin/unattended-upgrade") \
        and apt_pkg.config.find("APT::Periodic::Unattended-Upgrade", "0") not in ("", "0") \
        and apt_pkg.config.find("APT::Periodic::Enable", "1") != "0"


def _codename(host: Host) -> str:
    return next((line.partition("=")[2].strip('"') for line in host.text("etc/os-release").splitlines()
                 if line.startswith("VERSION_CODENAME=")), "")
