"""kill -9 at every side effect in turn, in a chroot: what is found afterwards is the old configuration or the new one,
whole, and the next smallmail brings what is wanted."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import packages
from tests.lab.chroot import Chroot
from tests.lab.installed import dependencies
from tests.lab.session import current
from tests.support.debian_hosts import install
from tests.support.fixtures import Installed, Record
from tests.support.mail_host import ANSWERS

# Runs smallmail and kills it before its Nth effect on the host; prints how many there were if it comes to its end.
KILLER = '''\
import os, signal, sys
from smallmail.commands import cli
from smallmail.machine.host import Host
from smallmail.programs import __main__ as programs

last, arguments = int(sys.argv[1]), sys.argv[2:]
done = 0


def counted(owner, name):
    real = getattr(owner, name)

    def effect(*given, **named):
        global done
        if done == last:
            os.kill(os.getpid(), signal.SIGKILL)
        done += 1
        return real(*given, **named)
    setattr(owner, name, effect)


for name in ("write", "remove", "directory", "point", "run", "run_in_debconf"):
    counted(Host, name)
for name in ("rename", "fsync", "unlink"):
    counted(os, name)
code = programs.main(arguments[1:]) if arguments[0] == "run" else cli.main(arguments)
print("effects", done)
sys.exit(code)
'''
# What a daemon's start does; then all configuration, without what a later moment alone makes different.
READY = "for daemon in postfix dovecot rspamd; do /usr/lib/smallmail/run ready $daemon || exit 1; done"
CONFIGURATION = ("find /etc -type f -not -path '*/.*' -exec sha256sum {} + | sort -k2;"
                 " find /etc /var/lib/smallmail/tls -printf '%p %m %u %g %l\\n' | sort;"
                 " cat /var/lib/smallmail/record.json")
JUDGES = "postfix check && doveconf -n >/dev/null && rspamadm configtest >/dev/null"


def killed_before(chroot: Chroot, number: int, words: str) -> bool:
    """Whether it was killed; False when it had fewer effects and came to its end."""
    done = chroot.run(f"python3 -B /root/killer.py {number} {words}", check=False)
    assert done.returncode in (0, 137), done.stdout + done.stderr
    return done.returncode == 137


def numbers(first: int, step: int) -> Iterator[int]:
    """Every effect, or in the quick tests every so many of them."""
    return itertools.count(first, step)


@pytest.mark.parametrize("suite, first, step", [
    ("trixie", 0, 54), pytest.param("bookworm", 3, 5, marks=pytest.mark.slow),
    pytest.param("trixie", 0, 1, marks=pytest.mark.slow)])
def test_a_setting_is_whole_wherever_it_is_cut_off(suite: str, first: int, step: int, installed: Installed,
                                                   record: Record) -> None:
    with Chroot(installed(suite), f"{suite}-kills") as chroot:
        chroot.write("/root/killer.py", KILLER)
        chroot.run("smallmail set hostname=other.example.org quota=1G")
        other = chroot.run(CONFIGURATION).stdout
        chroot.run("smallmail set hostname=mx.example.org quota=0")
        original = chroot.run(CONFIGURATION).stdout
        assert other != original
        kills, news = 0, 0
        for number in numbers(first, step):
            if not killed_before(chroot, number, "set hostname=other.example.org quota=1G"):
                break
            kills += 1
            chroot.run(READY)
            found = chroot.run(CONFIGURATION).stdout
            assert found in (original, other), number
            if kills % 5 == 1:
                chroot.run(JUDGES)
            if found == other:
                news += 1
                chroot.run("smallmail set hostname=mx.example.org quota=0")
                assert chroot.run(CONFIGURATION).stdout == original
        assert chroot.run(CONFIGURATION).stdout == other
        assert "Nothing to do." in chroot.run("smallmail plan").stdout
        assert kills > 8
        record(f"{suite}: {kills} kills, {kills - news} with the old configuration afterwards, {news} with the new")


@pytest.mark.parametrize("suite, first, step", [
    ("trixie", 3, 400), pytest.param("trixie", 0, 11, marks=pytest.mark.slow)])
def test_the_first_apply_is_finished_by_the_next(suite: str, first: int, step: int, deb: Path, record: Record) -> None:
    """Before it the daemons have their own configuration; hand-back shows that this was not forgotten."""
    below = dependencies(suite, deb)
    with Chroot(below, f"{suite}-bare") as bare:
        bare.write("/srv/" + deb.name, deb.read_bytes())
        packages.preseed(bare, deb, dict(ANSWERS, hostname="no dots"))
        install(bare, deb, check=False)
        bare.write("/root/killer.py", KILLER)
        bare.run("mkdir -p /etc/smallmail && cat >/etc/smallmail/smallmail.conf", input=(
            "hostname = mx.example.org\ndomain = example.org\naddress = alice@example.org\n"
            "certificate = self-signed\n"))
        layer = current().folder / f"bare-{suite}-{step}"
        bare.keep(layer)
    layers = [layer, *below]
    wanted, kills = None, 0
    for number in numbers(first, step):
        with Chroot(layers, f"{suite}-first") as chroot:
            killed = killed_before(chroot, number, "apply")
            chroot.run("smallmail apply")
            assert "Nothing to do." in chroot.run("smallmail plan").stdout
            configuration = chroot.run("postconf -n; postconf -M; find /etc/dovecot /etc/rspamd /etc/postfix -type f"
                                       " -not -path '*/.*' -exec sha256sum {} + | sort -k2").stdout
            wanted = wanted or configuration
            assert configuration == wanted, number
            chroot.run("/usr/lib/smallmail/run remove")
            assert "smallmail" not in chroot.run("postconf -n; postconf -M; ls /etc/dovecot/conf.d").stdout
        if not killed:
            break
        kills += 1
    record(f"{suite}: {kills} kills")


@pytest.mark.parametrize("suite, first, step", [
    ("trixie", 1, 122), pytest.param("bookworm", 0, 3, marks=pytest.mark.slow)])
def test_handing_back_is_finished_by_the_next(suite: str, first: int, step: int, installed: Installed,
                                              record: Record) -> None:
    with Chroot(installed(suite), f"{suite}-back") as chroot:
        chroot.run("/usr/lib/smallmail/run remove")
        wanted = chroot.run(CONFIGURATION + " || true").stdout
    kills = 0
    for number in numbers(first, step):
        with Chroot(installed(suite), f"{suite}-back") as chroot:
            chroot.write("/root/killer.py", KILLER)
            killed = killed_before(chroot, number, "run remove")
            chroot.run("/usr/lib/smallmail/run remove")
            assert chroot.run(CONFIGURATION + " || true").stdout == wanted, number
        if not killed:
            break
        kills += 1
    assert kills > 1
    record(f"{suite}: {kills} kills")
