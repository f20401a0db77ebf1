"""What an admin changes by hand stays, what the daemons refuse never goes live, and there is a way back."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.lab import World
from tests.support import letters
from tests.support.fixtures import Record
from tests.support.mail_host import ALICE, BOB, MailHost

DROP_IN, LOCAL = "/etc/dovecot/conf.d/95-smallmail-quota-limits.conf", "/etc/smallmail/local/postfix"
# An upgrade as far as maintainer scripts can tell: unpacked over itself, configured anew.
REINSTALL = "apt-get -y install --reinstall smallmail-server 2>&1"


@pytest.fixture(autouse=True)
def restored(host: MailHost) -> Iterator[None]:
    """Whatever a test changes by hand is gone afterwards."""
    yield
    host.machine.run("rm -rf /etc/smallmail/local /etc/dovecot/local.conf* /etc/rspamd/override.d/*.inc*"
                     " /etc/dovecot/*.ucf-* /etc/dovecot/conf.d/*.ucf-*")
    names = [line.split("--replace ")[1].split("'")[0] for line in host.smallmail("plan").splitlines()
             if "--replace" in line]
    host.smallmail("apply " + " ".join("--replace " + name for name in names))
    host.machine.run("systemctl start rspamd dovecot postfix")
    assert host.smallmail("plan").strip() == "Nothing to do."
    assert "Problem" not in host.smallmail("status")


def refused(host: MailHost, words: str, code: int = 1) -> str:
    """The one sentence with which a command ends badly."""
    done = host.machine.run("smallmail " + words, check=False)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    return done.stderr


def test_changes_by_hand_survive_apply_and_upgrade_and_are_named(host: MailHost, record: Record) -> None:
    machine = host.machine
    machine.run(f"echo '# mine' >>{DROP_IN}; postconf -e smtpd_banner=mine max_idle=77s;"
                " postconf -P submission/inet/smtpd_tls_loglevel=1;"
                " sed -i 's/^address/# a note of mine\\naddress/' /etc/smallmail/smallmail.conf")
    machine.run(f"mkdir -p {LOCAL}; echo 'max_use = 55' >{LOCAL}/main.cf;"
                f" echo '2525 inet n - y - - smtpd' >{LOCAL}/master.cf")
    host.smallmail("apply")
    host.smallmail("set greylisting=no")
    said = machine.run(REINSTALL).stdout
    plan = host.smallmail("plan")
    status = host.smallmail("status")
    for text in (said, plan, status):
        for name in (DROP_IN, "smtpd_banner", "submission/inet"):
            assert re.search(re.escape(name) + ".*changed by hand", text), (name, text)
    assert "max_idle" not in plan   # a parameter that is none of ours is nobody's business
    assert machine.run("postconf -h smtpd_banner max_idle max_use").stdout.split() == ["mine", "77s", "55"]
    assert machine.run(f"grep -c '^# mine' {DROP_IN}; grep -c 'note of mine' /etc/smallmail/smallmail.conf") \
        .stdout.split() == ["1", "1"]
    assert "smtpd_tls_loglevel=1" in machine.run("postconf -Mf submission/inet").stdout
    host.machine.wait_port(2525)
    machine.run("postconf -X max_idle")
    host.smallmail("set greylisting=yes")
    record("a drop-in, a parameter, a service, settings' comments and local lines kept by apply and by apt")


def test_where_both_changed_the_admins_stays_and_ours_lies_beside(host: MailHost) -> None:
    host.machine.run(f"sed -i 's/_grace = 10M/_grace = 9M/' {DROP_IN}")
    host.machine.run("sed -i 's/^.*quota *=.*$/quota = 3G/' /etc/smallmail/smallmail.conf")
    said = host.machine.run(REINSTALL).stdout
    assert re.search(re.escape(DROP_IN) + ".*something else, but keeps your version", said)
    assert "_grace = 9M" in host.machine.read(DROP_IN)
    assert "3G" in host.machine.read(DROP_IN + ".ucf-dist") or "3221225472" in host.machine.read(
        DROP_IN + ".ucf-dist")
    shown = host.smallmail("plan")
    assert "+" in shown and "apply --replace " + DROP_IN in shown
    host.smallmail("apply --replace " + DROP_IN)
    assert "_grace = 10M" in host.machine.read(DROP_IN)
    host.smallmail("set quota=0")


def test_a_configuration_that_a_daemon_refuses_never_goes_live(host: MailHost, world: World) -> None:
    before = host.wait(host.settled, "reloads to be over")
    host.machine.run(f"mkdir -p {LOCAL}; echo 'compatibility_level = often' >{LOCAL}/main.cf")
    sentence = refused(host, "apply")
    assert "compatibility_level" in sentence or "compatibility level" in sentence
    host.machine.run("rm -r /etc/smallmail/local")
    assert host.fingerprint() == before


def test_what_does_not_serve_is_taken_back(host: MailHost, world: World, record: Record) -> None:
    """Postfix's own check lets a program pass that does not exist; its master takes connections, nobody answers."""
    master_cf = host.machine.read("/etc/postfix/master.cf")
    host.machine.run(f"mkdir -p {LOCAL}; echo 'smtp inet n - y - - nosuchprogram' >{LOCAL}/master.cf")
    sentence = refused(host, "apply")
    assert "postfix does not respond correctly on port 25" in sentence and "restored" in sentence
    assert host.machine.read("/etc/postfix/master.cf") == master_cf
    host.machine.run("rm -r " + LOCAL)
    host.machine.wait_port(25)
    assert world.send(BOB, ALICE, letters.plain(BOB, ALICE, "after taking back"), to=host.machine).code == 250
    host.expect("INBOX", "after taking back")
    record(sentence.strip())


def test_a_file_that_keeps_rspamd_from_its_socket_is_named_and_nothing_changes(host: MailHost) -> None:
    """Rspamd itself is content with it, and mail would be put off from the next reload on."""
    path = "/etc/rspamd/override.d/worker-proxy.inc"
    host.machine.write(path, 'bind_socket = "127.0.0.1:11332";\n')
    before = host.wait(host.settled, "reloads to be over")
    sentence = refused(host, "set greylisting=no")
    assert sentence.startswith(f"smallmail: {path} keeps Rspamd from listening on")
    assert host.fingerprint() == before


@pytest.mark.parametrize("daemon, path, text", [
    ("dovecot", "/etc/dovecot/local.conf", "a_setting_of_the_past = yes"),
    ("rspamd", "/etc/rspamd/override.d/options.inc", "dns {{{"),
    ("rspamd", "/etc/rspamd/override.d/worker-proxy.inc", 'bind_socket = "127.0.0.1:11332";'),
    ("postfix", LOCAL + "/main.cf", "compatibility_level = often"),
])
def test_an_override_that_a_new_version_refuses_is_set_aside(host: MailHost, daemon: str, path: str, text: str) -> None:
    """As a release upgrade has it: dpkg brings another version, then calls our trigger."""
    host.machine.run(f"mkdir -p {LOCAL}; echo '{text}' >{path}")
    host.machine.run(f"""sed -i 's/^  "{daemon}": "[^"]*"/  "{daemon}": "1.0"/' /var/lib/smallmail*/record.json""")
    done = host.machine.run("/usr/lib/smallmail/run triggered x")
    assert path + ".set-aside" in done.stderr and text.split(maxsplit=1)[0] in host.machine.read(path + ".set-aside")
    assert host.machine.run("test -e " + path, check=False).returncode == 1
    assert path + ".set-aside" in host.smallmail("status")
    assert host.machine.run(["systemctl", "is-active", daemon]).stdout == "active\n"
    host.expect("INBOX", "smallmail: something of yours was set aside")
    host.machine.run("rm " + path + ".set-aside")


def test_an_admins_relative_links_work_and_are_set_aside(host: MailHost) -> None:
    """As GNU Stow makes them: of files, and of a whole folder."""
    run, stow, link = host.machine.run, "/opt/stow", "/etc/dovecot/conf.d/99-carol.conf"
    run(f"mkdir -p {stow} && echo 'login_greeting = linked' >{stow}/99-carol.conf"
        f" && ln -s ../../..{stow}/99-carol.conf {link}"
        f" && mv /etc/rspamd/override.d {stow} && ln -s ../..{stow}/override.d /etc/rspamd/override.d")
    try:
        host.smallmail("set quota=1G greylisting=no")
        host.smallmail("set quota=0 greylisting=yes")
        assert run("doveconf -h login_greeting").stdout == "linked\n"
        run(f"echo 'a_setting_of_the_past = yes' >{stow}/99-carol.conf")
        run("""sed -i 's/^  "dovecot": "[^"]*"/  "dovecot": "1.0"/' /var/lib/smallmail*/record.json""")
        assert link + ".set-aside" in run("/usr/lib/smallmail/run triggered x").stderr
        assert run("test -L " + link, check=False).returncode == 1
        assert host.machine.read(stow + "/99-carol.conf") == host.machine.read(link + ".set-aside")
        assert run("systemctl is-active dovecot").stdout == "active\n"
    finally:
        run(f"rm /etc/rspamd/override.d && mv {stow}/override.d /etc/rspamd/; rm -rf {stow} {link} {link}.set-aside")


def test_a_line_of_main_cf_that_a_new_postfix_refuses_is_set_aside(host: MailHost) -> None:
    """Set by hand, as postconf(1) has everybody do. Without its line Postfix has its default again."""
    machine, kept = host.machine, "/etc/postfix/main.cf.set-aside"
    machine.run("postconf -e 'max_idle = soon' max_use=77")
    machine.run("""sed -i 's/^  "postfix": "[^"]*"/  "postfix": "1.0"/' /var/lib/smallmail*/record.json""")
    done = machine.run("/usr/lib/smallmail/run triggered x")
    assert kept + ": postfix, in the version now installed, does not accept these lines" in done.stderr
    assert "max_idle" in done.stderr
    assert machine.read(kept) == "max_idle = soon\n"
    assert machine.run("postconf -hn max_use max_idle").stdout == "77\n"
    assert kept in host.smallmail("status")
    machine.wait_port(25)
    machine.run("postconf -X max_use; rm " + kept)


def test_postfix_learns_its_map_types_again(host: MailHost, world: World) -> None:
    """While postfix-sqlite is upgraded its type is not known; what was started then goes on not to know it."""
    def code() -> int:
        return world.send(BOB, ALICE, letters.plain(BOB, ALICE, "maps"), to=host.machine).code
    types = "/etc/postfix/dynamicmaps.cf"
    host.machine.run(f"cp -p {types} /root/types; sed -i /^sqlite/d {types}; pkill -x proxymap; true")
    assert code() == 451
    host.machine.run(f"cp -p /root/types {types}; rm /root/types")
    assert code() == 451
    host.machine.run("/usr/lib/smallmail/run triggered x")
    assert code() == 250
    before = host.machine.run("pgrep -x proxymap").stdout
    host.machine.run("/usr/lib/smallmail/run triggered x")
    assert host.machine.run("pgrep -x proxymap").stdout == before     # not a second time


def test_a_daemon_that_starts_in_another_version_finds_its_files(host: MailHost) -> None:
    """The second line of defence: dpkg's trigger has not run yet, and an override would keep Dovecot from starting."""
    host.machine.run("echo 'a_setting_of_the_past = yes' >/etc/dovecot/local.conf")
    assert host.machine.run("systemctl restart dovecot", check=False).returncode != 0
    host.machine.run("""sed -i 's/^  "dovecot": "[^"]*"/  "dovecot": "1.0"/' /var/lib/smallmail*/record.json;"""
                       """ systemctl restart dovecot""")
    host.machine.wait_port(993)
    assert host.imap().noop()[0] == "OK"
    aside = host.machine.run("cat /etc/dovecot/local.conf.set-aside; rm /etc/dovecot/local.conf.*").stdout
    assert "a_setting" in aside


def test_history_tells_who_asked_and_rollback_goes_back(host: MailHost, record: Record) -> None:
    host.smallmail("set message-size-limit=30M")
    host.machine.run(f"mkdir -p {LOCAL}; echo 'max_use = 66' >{LOCAL}/main.cf; SUDO_USER=carol smallmail apply")
    told = host.smallmail("history").splitlines()
    assert "smallmail set message-size-limit=30M" in told[-4] and "message_size_limit" in told[-3]
    assert "smallmail apply (carol)" in told[-2] and "max_use" in told[-1]
    number = int(told[-4].split()[0])
    assert "+message-size-limit = 30M" in host.smallmail(f"history {number}")
    host.smallmail("rollback")
    assert host.machine.run(f"test -e {LOCAL}/main.cf", check=False).returncode == 1
    assert host.machine.run("postconf -h max_use message_size_limit").stdout.split() == ["100", "31457280"]
    host.smallmail("rollback")
    assert host.machine.run("postconf -h message_size_limit").stdout.strip() == "52428800"
    assert f"'smallmail rollback {number + 3}' takes this back." in host.smallmail(f"rollback {number}")
    assert host.machine.run("postconf -h message_size_limit").stdout.strip() == "31457280"
    host.smallmail(f"rollback {number - 1}")
    assert host.machine.run("postconf -h message_size_limit").stdout.strip() == "52428800"
    assert "configuration 999 is not kept" in refused(host, "rollback 999", code=2)
    assert set(host.machine.run("stat -c %a /var/lib/smallmail/history/*").stdout.split()) == {"600"}
    record(f"{len(host.smallmail('history').splitlines()) // 2} configurations kept")


def test_accounts_whose_writer_was_killed_are_read_again_after_a_start(host: MailHost) -> None:
    host.machine.run("cp -p /var/lib/smallmail/accounts.db /root/accounts.db")
    host.machine.run("""python3 -c "
import os, sqlite3
db = sqlite3.connect('/var/lib/smallmail/accounts.db', isolation_level=None)
db.execute('PRAGMA cache_size = 1')
db.execute('BEGIN IMMEDIATE')
for number in range(20000):
    db.execute('INSERT INTO alias VALUES (?, ?)', ('x%d@example.org' % number, 'y@example.org'))
os.kill(os.getpid(), 9)" """, check=False)
    lookup = (f"setpriv --reuid=postfix --regid=postfix --init-groups postmap -q {ALICE}"
              " sqlite:/etc/postfix/smallmail/mailboxes.cf")
    assert host.machine.run(lookup, check=False).returncode != 0
    host.machine.run("systemctl restart dovecot")
    assert host.machine.run(lookup).stdout.strip()
    host.machine.run("cmp /root/accounts.db /var/lib/smallmail/accounts.db || smallmail alias list | grep -c x1@")
