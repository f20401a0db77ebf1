"""Removing the package gives back what was there, on a host whose daemons were installed before."""
import pytest

from tests.lab import packages
from tests.system.mailhost import ANSWERS
from tests.system.test_install import chroot_with, install

# Every name under /etc with its kind, mode, owner, target and content.
FINGERPRINT = ("cd /etc && find . -printf '%p %y %m %u %g %l\\n' | sort;"
               " find . -type f -exec sha256sum {} + | sort -k2")
# dpkg, ucf and the account tools keep the last version of their own files there; the cache is the linker's.
NOISE = "^(\\./|[0-9a-f]{64}  \\./)((passwd|group|shadow|gshadow|subuid|subgid)-|ld\\.so\\.cache|\\.pwd\\.lock)"


@pytest.mark.parametrize("suite", ["trixie"])
def test_etc_is_what_it_was(suite, deb, record):
    with chroot_with(suite, deb) as chroot:
        fields = packages.field(deb, "Depends") + ", " + packages.field(deb, "Recommends")
        names = [alternatives.split("|")[0].split("(")[0].strip() for alternatives in fields.split(",")]
        chroot.run(["apt-get", "-y", "install", *(name for name in names if not name.startswith("python3:"))],
                   timeout=900)
        fingerprint = "({}) | grep -Ev '{}'".format(FINGERPRINT, NOISE)
        before = chroot.run(fingerprint).stdout.splitlines()
        packages.preseed(chroot, deb, ANSWERS)
        install(chroot, deb)
        assert len(set(chroot.run(fingerprint).stdout.splitlines()) - set(before)) > 20
        chroot.run(["apt-get", "-y", "remove", "smallmail-server"])
        for judge in ("postfix check", "doveconf -n >/dev/null", "rspamadm configtest"):
            chroot.run(judge)
        chroot.run(["apt-get", "-y", "purge", "smallmail-server"])
        after = chroot.run(fingerprint).stdout.splitlines()
        assert sorted(set(before) ^ set(after)) == []
        left = chroot.run("find /var/lib/smallmail /srv/mail /var/lib/rspamd/dkim /var/spool/postfix/smallmail"
                          " -maxdepth 0 2>/dev/null", check=False).stdout.split()
        assert "/var/lib/smallmail" not in left and "/var/spool/postfix/smallmail" not in left
        assert chroot.run("debconf-show smallmail-server").stdout == ""
        record("{} lines about /etc are the same before and after".format(len(before)))
