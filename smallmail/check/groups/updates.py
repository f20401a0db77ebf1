"""Check the packages that mail depends on: security updates, as apt's lists know them; nothing is downloaded."""
import csv
import os
import time
from typing import Any, Dict, Iterator, List

import apt_pkg

from smallmail.daemons import table
from smallmail.findings import Finding, Group
from smallmail.machine import dates
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
    """Check all of the group. Yields what was found."""
    apt_pkg.init()
    by_itself = _unattended(host)
    yield from broken(of_mail(host.path(_STATUS)))
    yield from lists(time.time() - max(os.stat(host.path(path)).st_mtime for path in _LISTS if host.exists(path)),
                     any(name.endswith("_Packages") or "_Packages." in name for name in host.names(_LISTS[0])))
    yield from _GROUP.all_of(_pending(of_mail(host.path(_STATUS)), by_itself))
    yield from automatic(by_itself)
    yield from support(host.text(_RELEASES), _codename(host), dates.day(time.time()))


def of_mail(status: str) -> Dict[str, str]:
    """Find the packages that mail depends on in dpkg's list. Returns the state of each."""
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
    """Judge the updates that are not installed. `by_itself`: unattended-upgrades installs them. Yields what was
    found."""
    words = "security updates are not installed: {}".format(", ".join(security))
    if security and by_itself:
        yield _GROUP.note(words + " (unattended-upgrades will install them)")
    elif security:
        yield _GROUP.problem(words, "The flaws that they fix are public.", ["apt upgrade"])
    if _OWN in other:
        yield _GROUP.note("there is a new version of smallmail-server ('apt upgrade' installs it)")


def automatic(by_itself: bool) -> Iterator[Finding]:
    """Yield a note when unattended-upgrades does not install security updates."""
    if not by_itself:
        yield _GROUP.note("security updates are not installed automatically ('apt install unattended-upgrades'"
                          " changes that)")


def lists(age: float, any_there: bool) -> Iterator[Finding]:
    """Judge apt's lists, from which everything else here is read. `age`: seconds since they were updated. Yields what
    was found."""
    why = "Security updates go unnoticed."
    fix = ["apt update", "apt install unattended-upgrades"]
    if not any_there:
        yield _GROUP.problem("apt has no package lists", why, fix)
    elif age > _OLD_LISTS:
        yield _GROUP.problem("apt's package lists are old", "They were last updated {} days ago. {}".format(
            int(age // 86400), why), fix)


def broken(states: Dict[str, str]) -> Iterator[Finding]:
    """Yield a problem when dpkg did not finish installing a package, given the state of each."""
    names = [name for name, state in sorted(states.items()) if state in _BROKEN]
    if names:
        yield _GROUP.problem("only partly installed: {}".format(", ".join(names)), "They may fail at their next start.",
                             ["dpkg --configure -a", "apt --fix-broken install"])


def support(releases: str, codename: str, today: str) -> Iterator[Finding]:
    """Yield a note when this Debian is out of regular support, by distro-info-data's table."""
    for row in csv.DictReader(releases.splitlines()):   # type: Dict[str, str]
        ends = [row.get(name) or "" for name in ("eol", "eol-lts")]
        if codename and row.get("series") == codename and ends[0] and ends[0] < today:
            longer = "; its long-term support ends {}".format(ends[1]) if ends[1] > today else ""
            yield _GROUP.note("Debian {} has been out of regular support since {}{}: upgrade to the next release"
                              .format(codename, ends[0], longer))


def _unattended(host: Host) -> bool:
    """Return whether unattended-upgrades is installed, and on (apt.systemd.daily)."""
    return host.exists("usr/bin/unattended-upgrade") \
        and apt_pkg.config.find("APT::Periodic::Unattended-Upgrade", "0") not in ("", "0") \
        and apt_pkg.config.find("APT::Periodic::Enable", "1") != "0"


def _codename(host: Host) -> str:
    return next((line.partition("=")[2].strip('"') for line in host.text("etc/os-release").splitlines()
                 if line.startswith("VERSION_CODENAME=")), "")
