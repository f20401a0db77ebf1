"""kill -9 and power cuts at random moments, on machines that have mail coming in."""

from __future__ import annotations

import random
import smtplib
import threading
import time
from pathlib import Path

import pytest

from tests.lab import Machine, World
from tests.support import letters
from tests.support.fixtures import Installed, Record
from tests.support.mail_host import ALICE, BOB, MailHost

SEED = 20261122     # said when a test fails: the same moments can be tried again
REINSTALL = "apt-get -y install --reinstall smallmail-server"
# What is killed while apt installs the package, by how pkill finds it.
VICTIMS = [["-x", "dpkg"], ["-f", "info/smallmail-server.postinst"], ["-f", "/usr/lib/smallmail/run"]]


def in_background(machine: Machine, command: str) -> threading.Thread:
    """Start it; it may die or end as it likes."""
    thread = threading.Thread(target=lambda: machine.run(command, check=False))
    thread.start()
    return thread


def taken(host: MailHost, world: World, subject: str) -> None:
    """A message from outside must be taken; a temporary failure is asked again, as every sender does."""
    def sent() -> bool:
        try:
            reply = world.send(BOB, ALICE, letters.plain(BOB, ALICE, subject), to=host.machine)
        except smtplib.SMTPResponseException as refusal:    # of STARTTLS, as long as Rspamd is not up
            assert refusal.smtp_code // 100 == 4, refusal
            return False
        assert reply.code // 100 in (2, 4), reply
        return reply.code == 250
    host.wait(sent, f"{subject!r} to be taken", 60)


def test_killing_apt_or_smallmail_stops_no_mail(host: MailHost, world: World, record: Record) -> None:
    moments = random.Random(SEED)
    subjects = [f"killed {number}" for number in range(6)]
    for number, subject in enumerate(subjects):
        if number % 2:
            hostname = "other" if number % 4 == 1 else "mx"
            thread = in_background(host.machine, f"smallmail set hostname={hostname}.example.org")
            time.sleep(moments.uniform(0.2, 1.5))
            host.machine.run(["pkill", "-9", "-f", "smallmail set"], check=False)
        else:
            thread = in_background(host.machine, "dpkg --configure -a; " * (number > 0) + REINSTALL)
            victim = VICTIMS[number // 2]
            # As words: with -f these would find the shell of a line, too.
            host.wait(lambda: host.machine.run(["pgrep", *victim], check=False).stdout, victim[1], 120)
            time.sleep(moments.uniform(0, 1))
            host.machine.run(["pkill", "-9", *victim], check=False)
        thread.join()
        taken(host, world, subject)
    # Killed while it unpacked, dpkg wants just that to be done anew, and says so.
    host.machine.run(f"dpkg --configure -a || {REINSTALL}; apt-get -y -f install")
    host.smallmail("set hostname=mx.example.org")
    assert "Nothing to do." in host.smallmail("plan")
    assert "Problem" not in host.smallmail("status")
    for subject in subjects:
        host.expect("INBOX", subject)
    record(f"6 kills; 6 messages taken in between and delivered (seed {SEED})")


def test_no_timer_acts_in_the_middle_of_an_upgrade(host: MailHost) -> None:
    """Python's modules or a daemon may be in pieces then: what it said or did would be wrong."""
    def result(name: str) -> str:
        host.machine.run(f"systemctl start smallmail-{name}.service")
        return host.machine.run(f"systemctl show -p Result --value smallmail-{name}.service").stdout.strip()

    hold = ("import fcntl, time; lock = open('/var/lib/dpkg/lock-frontend', 'w'); fcntl.lockf(lock, fcntl.LOCK_EX);"
            " open('/run/held', 'w').close(); time.sleep(60)")
    host.machine.run(["systemd-run", "-q", "--unit=upgrading", "/usr/bin/python3", "-c", hold])
    host.wait(lambda: host.machine.run("ls /run/held", check=False).stdout, "the lock")
    assert [result(name) for name in ("certificate", "dkim", "check")] == ["exec-condition"] * 3
    host.machine.run("systemctl stop upgrading; rm /run/held")
    assert result("certificate") == "success"


def test_what_a_power_cut_leaves_of_the_store_is_mended(host: MailHost) -> None:
    """A file may have got longer on the disk without what was written there: zeros. Redis would not start."""
    machine, folder = host.machine, "/var/lib/smallmail/redis"
    cli = "$(command -v valkey-cli || command -v redis-cli) -s /run/smallmail-redis/redis.sock "

    def restarted(meanwhile: str) -> str:
        machine.run(f"systemctl stop smallmail-redis; cd {folder} && {meanwhile}; systemctl start smallmail-redis")
        return machine.run(cli + "HGET lab mark").stdout.strip()

    machine.run(cli + "HSET lab mark kept")
    assert restarted("cp -a appendonlydir /root && truncate -s +300 appendonlydir/*.incr.aof") == "kept"
    assert restarted(": >appendonlydir/appendonly.aof.manifest") == ""
    said = machine.run("journalctl -q --no-pager -u smallmail-redis").stdout
    assert "removing its unreadable end" in said and "Rspamd learns anew" in said
    assert restarted("rm -r appendonlydir damaged && mv /root/appendonlydir .") == "kept"
    machine.run(cli + "DEL lab")


@pytest.mark.slow
@pytest.mark.parametrize("suite", ["trixie", "bookworm"], indirect=True)
def test_a_power_cut_loses_nothing_that_was_taken(suite: str, deb: Path, world: World, record: Record,
                                                  installed: Installed) -> None:
    moments, cuts = random.Random(SEED), 8
    with MailHost(suite, deb, world, installed=installed(suite), disk=True) as host:
        seconds = []
        for number in range(cuts):
            subject = f"before cut {number}"
            taken(host, world, subject)
            thread = in_background(host.machine, f"smallmail user add --password-stdin u{number}@example.org"
                                   " </etc/hostname;"
                                   f" smallmail set hostname={'ab'[number % 2]}.example.org")
            time.sleep(moments.uniform(0, 4))
            host.machine.cut_power()
            thread.join()
            for port in (25, 993):
                host.machine.wait_port(port)
            seconds.append(host.timed(lambda: taken(host, world, f"after cut {number}"))[0])
            host.expect("INBOX", subject)
            assert host.machine.run("systemctl --failed --no-legend --plain").stdout == "", number
        host.smallmail("apply")
        assert "Nothing to do." in host.smallmail("plan")
        # Dovecot puts off the first message for a mailbox whose index is torn; Postfix would try again in minutes.
        host.machine.run("postqueue -f")
        for number in range(cuts):
            host.expect("INBOX", f"after cut {number}")
        record(f"{suite}: {cuts} cuts, {2 * cuts} messages taken and none lost; after a boot taken within "
               f"{max(seconds):.1f} s (seed {SEED})")
