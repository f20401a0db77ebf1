"""A machine with years behind it: our package comes, goes, comes again and goes for good, while mail is sent to it."""

from __future__ import annotations

import contextlib
import imaplib
import time
from pathlib import Path

import pytest

from tests.lab import World, packages
from tests.lab.clients import Server
from tests.support import letters
from tests.support.debian_hosts import stock
from tests.support.fixtures import Record
from tests.support.host_state import differences, fingerprint, traces
from tests.support.mail_host import ADDRESS, ALICE, ANSWERS, BOB, NAME, MailHost
from tests.support.unix_account_server import (
    BANNER,
    CAROL,
    CAROLS_PASSWORD,
    GREETING,
    TAKE_OVER,
    configure_by_hand,
)

DAEMONS = ("postfix", "dovecot", "rspamd")
SALES = "info@sales.example.org"


class OldHost(MailHost):
    """A mail server under test that was somebody's mail server before."""

    def __init__(self, suite: str, deb: Path, world: World) -> None:
        self.world, self.name, self.server = world, NAME, Server(NAME, ADDRESS)
        world.foreign.forget()
        self.deb = deb
        with contextlib.ExitStack() as made:
            self.machine = made.enter_context(world.machine(stock(suite, deb), NAME, ADDRESS))
            configure_by_hand(self.machine)
            self.machine.run("systemctl restart postfix dovecot rspamd")
            self.machine.run("dpkg --purge nothing")    # it would be a user of Debian's store
            packages.offer(self.machine, deb)
            self.machine.wait_port(25)
            self.machine.wait_port(993)
            made.pop_all()

    def install(self, **answers: str) -> float:
        if answers:
            packages.preseed(self.machine, self.deb, {**ANSWERS, **answers})
        started = time.monotonic()
        packages.install(self.machine, "smallmail-server")
        self._wait_serving()
        return time.monotonic() - started

    def apt(self, *words: str) -> str:
        done = self.machine.run(["apt-get", "-y", *words])
        return done.stdout + done.stderr

    def banner(self) -> str:
        """The first line on port 25."""
        return self.machine.run(["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/25; head -n1 <&3"]).stdout

    def serves_as_before(self, number: int) -> None:
        """Postfix and Dovecot do what they did for Carol; that makes so many letters for her."""
        self.machine.wait_port(25)
        self.machine.wait_port(993)
        assert BANNER in self.banner()
        subject = f"for Carol, the {number}."
        assert self.world.send(BOB, SALES, letters.plain(BOB, SALES, subject), to=self.machine).code == 250
        self.wait(lambda: subject in self.machine.run(f"cat /var/mail/{CAROL}", check=False).stdout, subject)
        connection = self.imap(CAROL, CAROLS_PASSWORD)
        assert GREETING in connection.welcome.decode()
        assert int(connection.select("INBOX", readonly=True)[1][0] or b"") == number
        connection.logout()
        # Carol's submission has always been on 587, and nothing on 465.
        assert [bool(self.machine.run(["ss", "-Hltn", f"sport = :{port}"]).stdout) for port in (465, 587)] == [
            False, True]
        with pytest.raises(imaplib.IMAP4.error):
            self.imap()
        assert self.machine.run("systemctl --failed --no-legend --plain").stdout == ""
        assert self.states("smallmail-redis") == ["inactive"]
        assert self.machine.run(["ss", "-Hltn", "sport = :6379"]).stdout

    def serves_as_ours(self, subject: str) -> None:
        """Mail comes in to alice, and Carol cannot log in any more."""
        self.world.foreign.post(BOB, ALICE, letters.plain(BOB, ALICE, subject))
        self.expect("INBOX", subject)
        self.submit(letters.plain(ALICE, BOB, subject))
        assert self.machine.run(["ss", "-Hltn", "sport = :6379"]).stdout == ""
        self.world.foreign.expect(BOB, subject, why=self.last_words)
        assert "Nothing to do." in self.smallmail("plan")
        with pytest.raises(imaplib.IMAP4.error):
            self.imap(CAROL, CAROLS_PASSWORD)

    def states(self, *services: str) -> list[str]:
        shown = self.machine.run(["systemctl", "show", "-p", "ActiveState", "--value", *services]).stdout
        return shown.split()


@pytest.mark.parametrize("suite", ["trixie", pytest.param("bookworm", marks=pytest.mark.slow)])
def test_the_daemons_serve_as_before_whenever_we_are_gone(suite: str, deb: Path, world: World, record: Record) -> None:
    with OldHost(suite, deb, world) as host:
        host.serves_as_before(1)
        everywhere = "/etc /var/lib/systemd"
        before = fingerprint(host.machine, everywhere)

        seconds = host.install(**TAKE_OVER)
        host.publish()
        host.serves_as_ours("the first")
        host.smallmail("user add --password-stdin bob@example.org", "another good one\n")
        record(f"{suite}: ours after {seconds:.0f} s")

        host.apt("remove", "smallmail-server")
        host.serves_as_before(2)
        record("removed: as before")

        host.install()
        host.serves_as_ours("the second")
        assert host.subjects("INBOX") == ["the first", "the second"]
        host.imap("bob@example.org", "another good one").logout()
        record("installed again: mailboxes, passwords and mail are back")

        # What the admin has stopped, disabled or masked stays so.
        host.machine.run("systemctl stop dovecot; systemctl mask --now rspamd; systemctl disable --now postfix")
        host.apt("remove", "smallmail-server")
        assert host.states(*DAEMONS) == ["inactive"] * 3
        assert host.machine.run("systemctl is-enabled rspamd postfix", check=False).stdout.split() == [
            "masked", "disabled"]
        host.machine.run("systemctl unmask rspamd; systemctl enable --now postfix; systemctl start dovecot rspamd")
        host.serves_as_before(3)
        record("removed while stopped, masked and disabled: stays so, and serves as before once started")

        host.apt("purge", "smallmail-server")
        left = differences(before, fingerprint(host.machine, everywhere))
        assert set(left) == {"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"}
        # Keys; the mark of the directory in which mail is; vmail, whose mail it is.
        assert traces(host.machine) == ["/var/lib/smallmail", "/srv/mail/.smallmail", "/etc/passwd"]
        assert host.machine.run(["pgrep", "-af", "smallmail"], check=False).stdout == ""
        host.serves_as_before(4)
        record(f"purged: {len(before)} names below {everywhere} are the same")

        host.install(**TAKE_OVER)
        host.publish()
        assert host.subjects("INBOX") == ["the first", "the second"]
        with pytest.raises(imaplib.IMAP4.error):
            host.imap("bob@example.org", "another good one")
        host.serves_as_ours("the third")
        record("installed afresh: the old mail is there, the old mailboxes are not")

        said = host.apt("remove", "dovecot-core")
        assert "Removing smallmail-server" in said
        assert BANNER in host.banner()
        host.machine.run("postconf -n; postfix check; rspamadm configtest")
        record("removed together with Dovecot: Postfix serves as before")
