"""kill -9 and power cuts at random moments, on machines that have mail coming in."""
import random
import smtplib
import threading
import time

import pytest

from tests.system import letters
from tests.system.mailhost import ALICE, BOB, MailHost

SEED = 20261122     # said when a test fails: the same moments can be tried again
REINSTALL = "apt-get -y install --reinstall smallmail-server"
# What is killed while apt installs the package, by how pkill finds it.
VICTIMS = [["-x", "dpkg"], ["-f", "info/smallmail-server.postinst"], ["-f", "/usr/lib/smallmail/run"]]


def in_background(machine, command):
    """Start it; it may die or end as it likes."""
    thread = threading.Thread(target=lambda: machine.run(command, check=False))
    thread.start()
    return thread


def taken(mail, world, subject):
    """A message from outside must be taken; a temporary failure is asked again, as every sender does."""
    def sent():
        try:
            reply = world.send(BOB, ALICE, letters.plain(BOB, ALICE, subject), to=mail.machine)
        except smtplib.SMTPResponseException as refusal:    # of STARTTLS, as long as Rspamd is not up
            assert refusal.smtp_code // 100 == 4, refusal
            return False
        assert reply.code // 100 in (2, 4), reply
        return reply.code == 250
    mail.wait(sent, f"{subject!r} to be taken", 60)


def test_killing_apt_or_smallmail_stops_no_mail(mail, world, record):
    moments = random.Random(SEED)
    subjects = [f"killed {number}" for number in range(6)]
    for number, subject in enumerate(subjects):
        if number % 2:
            hostname = "other" if number % 4 == 1 else "mx"
            thread = in_background(mail.machine, f"smallmail set hostname={hostname}.example.org")
            time.sleep(moments.uniform(0.2, 1.5))
            mail.machine.run(["pkill", "-9", "-f", "smallmail set"], check=False)
        else:
            thread = in_background(mail.machine, "dpkg --configure -a; " * (number > 0) + REINSTALL)
            victim = VICTIMS[number // 2]
            # As words: with -f these would find the shell of a line, too.
            mail.wait(lambda name=victim: mail.machine.run(["pgrep", *name], check=False).stdout, victim[1], 120)
            time.sleep(moments.uniform(0, 1))
            mail.machine.run(["pkill", "-9", *victim], check=False)
        thread.join()
        taken(mail, world, subject)
    # Killed while it unpacked, dpkg wants just that to be done anew, and says so.
    mail.machine.run(f"dpkg --configure -a || {REINSTALL}; apt-get -y -f install")
    mail.smallmail("set hostname=mx.example.org")
    assert "Nothing to do." in mail.smallmail("plan")
    assert "Problem" not in mail.smallmail("status")
    for subject in subjects:
        mail.expect("INBOX", subject)
    record(f"6 kills; 6 messages taken in between and delivered (seed {SEED})")


def test_no_timer_acts_in_the_middle_of_an_upgrade(mail):
    """Python's modules or a daemon may be in pieces then: what it said or did would be wrong."""
    def result(name):
        mail.machine.run(f"systemctl start smallmail-{name}.service")
        return mail.machine.run(f"systemctl show -p Result --value smallmail-{name}.service").stdout.strip()

    mail.machine.run("cp /bin/sleep /root/apt-get; systemd-run -q --unit=upgrading /root/apt-get 60")
    assert [result(name) for name in ("certificate", "dkim", "check")] == ["exec-condition"] * 3
    mail.machine.run("systemctl stop upgrading; rm /root/apt-get")
    assert result("certificate") == "success"


def test_what_a_power_cut_leaves_of_the_store_is_mended(mail):
    """A file may have got longer on the disk without what was written there: zeros. Redis would not start."""
    machine, folder = mail.machine, "/var/lib/smallmail/redis"
    cli = "$(command -v valkey-cli || command -v redis-cli) -s /run/smallmail-redis/redis.sock "

    def restarted(meanwhile):
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
def test_a_power_cut_loses_nothing_that_was_taken(suite, deb, world, record, installed):
    moments, cuts = random.Random(SEED), 8
    with MailHost(suite, deb, world, installed=installed(suite), disk=True) as mail:
        seconds = []
        for number in range(cuts):
            subject = f"before cut {number}"
            taken(mail, world, subject)
            thread = in_background(mail.machine, f"smallmail user add --password-stdin u{number}@example.org"
                                   " </etc/hostname;"
                                   f" smallmail set hostname={'ab'[number % 2]}.example.org")
            time.sleep(moments.uniform(0, 4))
            mail.machine.cut_power()
            thread.join()
            for port in (25, 993):
                mail.machine.wait_port(port)
            seconds.append(mail.timed(lambda: taken(mail, world, f"after cut {number}"))[0])
            mail.expect("INBOX", subject)
            assert mail.machine.run("systemctl --failed --no-legend --plain").stdout == "", number
        mail.smallmail("apply")
        assert "Nothing to do." in mail.smallmail("plan")
        # Dovecot puts off the first message for a mailbox whose index is torn; Postfix would try again in minutes.
        mail.machine.run("postqueue -f")
        for number in range(cuts):
            mail.expect("INBOX", f"after cut {number}")
        record(f"{suite}: {cuts} cuts, {2 * cuts} messages taken and none lost; after a boot taken within "
               f"{max(seconds):.1f} s (seed {SEED})")
