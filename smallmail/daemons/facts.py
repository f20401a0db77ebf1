"""Facts about the host that decide which overlays fit: read, never changed."""
import os
import re
from collections import OrderedDict
from typing import Dict, NamedTuple, Tuple

import apt_pkg

from smallmail.errors import Problem

# The daemon's name in the overlays, and the package whose version speaks for it.
PACKAGES = OrderedDict([("postfix", "postfix"), ("dovecot", "dovecot-core"), ("rspamd", "rspamd")])

# States in which dpkg has the package's files on the disk (dpkg(1), "Package states").
_ON_DISK = {"unpacked", "half-configured", "triggers-awaited", "triggers-pending", "installed"}

Facts = NamedTuple("Facts", [
    ("versions", Dict[str, str]),   # upstream version of each daemon
    ("flatcurve", bool),            # Dovecot's full-text search plugin is installed
    ("redis", str),                 # "valkey" or "redis"
    ("memory", int),                # MiB
    ("cores", int),
    ("validating", bool),           # the resolver was seen to validate DNSSEC (validation.py)
    ("mta_sts", bool),              # a daemon looks other domains' MTA-STS policies up for Postfix
])

# That the resolver validates DNSSEC; found out where the network may be waited for.
VALIDATES = "var/lib/smallmail/validates"


def gather(root: str = "/") -> Facts:
    """Look at the host under `root`. Raises Problem when one of the daemons is not installed."""
    apt_pkg.init_config()
    apt_pkg.init_system()   # without it comparing versions ends the process
    installed = _installed(root)
    versions = OrderedDict()  # type: Dict[str, str]
    for daemon, package in PACKAGES.items():
        if package not in installed:
            raise Problem("{} is not installed: type 'apt install {}'".format(package, package))
        versions[daemon] = apt_pkg.upstream_version(installed[package])
    return Facts(
        versions=versions,
        flatcurve="dovecot-flatcurve" in installed,
        redis="valkey" if "valkey-server" in installed else "redis",
        memory=_memory(),
        cores=os.cpu_count() or 1,
        validating=os.path.exists(os.path.join(root, VALIDATES)),
        mta_sts="postfix-mta-sts-resolver" in installed,
    )


def version_tuple(version: str) -> Tuple[int, ...]:
    """The leading numbers of a version, for comparing: "2.3.19.1+dfsg1" is (2, 3, 19, 1)."""
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(number) for number in match.group(0).split(".")) if match else ()


def _installed(root: str) -> Dict[str, str]:
    """Name and version of every package whose files are on the disk, from dpkg's own list: it can be read in any
    state of dpkg, also while a maintainer script runs."""
    packages = {}
    with apt_pkg.TagFile(os.path.join(root, "var/lib/dpkg/status")) as status:
        for section in status:
            if section["Status"].split()[-1] in _ON_DISK:
                packages[section["Package"]] = section["Version"]
    return packages


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (1024 * 1024)
