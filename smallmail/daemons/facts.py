"""Gather the facts about the host that decide which overlays fit. They are read, never changed."""
import os
import re
from collections import OrderedDict
from typing import Dict, NamedTuple, Tuple

from smallmail.daemons import table
from smallmail.errors import Problem
from smallmail.machine import state
from smallmail.resources import Resources, measured

# States in which dpkg has the package's files on the disk (dpkg(1), "Package states").
_ON_DISK = {"unpacked", "half-configured", "triggers-awaited", "triggers-pending", "installed"}

Facts = NamedTuple("Facts", [
    ("versions", Dict[str, str]),   # upstream's version of each daemon that has overlays, by the daemon's name
    ("redis", str),                 # "valkey" or "redis"
    ("resources", Resources),       # memory, cores, IPv6
    ("validating", bool),           # the resolver was seen to validate DNSSEC (configuration/dnssec.py)
    ("mta_sts", bool),              # a daemon looks up other domains' MTA-STS policies for Postfix
])


def gather(root: str = "/") -> Facts:
    """Return the facts about the host below `root`. Raises Problem if one of the daemons is not installed."""
    import apt_pkg  # noqa: PLC0415 (few verbs ask for versions)

    apt_pkg.init_config()
    apt_pkg.init_system()   # without it comparing versions ends the process
    installed = _installed(root)
    versions = OrderedDict()  # type: Dict[str, str]
    for daemon in reversed(table.ALL):
        if daemon.package and daemon.package not in installed:
            raise Problem("{} is not installed: type 'apt install {}'".format(daemon.package, daemon.package))
        if daemon.package:
            versions[daemon.name] = apt_pkg.upstream_version(installed[daemon.package])
    return Facts(
        versions=versions,
        redis="valkey" if "valkey-server" in installed else "redis",
        resources=measured(root),
        validating=os.path.exists(os.path.join(root, state.VALIDATES)),
        mta_sts="postfix-mta-sts-resolver" in installed,
    )


def version_tuple(version: str) -> Tuple[int, ...]:
    """Return the leading numbers of a version, for comparing: "2.3.19.1+dfsg1" is (2, 3, 19, 1)."""
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(number) for number in match.group(0).split(".")) if match else ()


def _installed(root: str) -> Dict[str, str]:
    """Return name and version of every package whose files are on the disk, from dpkg's own list: it can be read in
    any state of dpkg, also while a maintainer script runs."""
    import apt_pkg  # noqa: PLC0415

    packages = {}
    with apt_pkg.TagFile(os.path.join(root, "var/lib/dpkg/status")) as status:
        for section in status:
            if section["Status"].split()[-1] in _ON_DISK:
                packages[section["Package"]] = section["Version"]
    return packages
