"""A reload ends nobody's session: what is new gets the new certificate, what is open goes on."""

from __future__ import annotations

import imaplib
import ssl
import time
from collections.abc import Iterator

import pytest

from tests.support import sessions
from tests.support.fixtures import Record
from tests.support.imap import done
from tests.support.mail_host import NAME, MailHost

CONF = "/etc/smallmail/smallmail.conf"
# Two certificates of the key that is in use: no TLSA record has to change first.
MADE = ("mkdir -p /root/own && cd /root/own && cp -L /var/lib/smallmail/tls/current/privkey.pem key.pem &&"
        " for number in 1 2; do openssl req -x509 -new -key key.pem -subj /CN=own$number"
        f" -addext subjectAltName=DNS:{NAME} -days 300 -out cert$number.pem || exit 1; done; cp cert1.pem cert.pem")
FILES = "certificate=files certificate-file=/root/own/cert.pem key-file=/root/own/key.pem"
PATIENCE = 8  # seconds; Dovecot kills what does not end by itself after 6


@pytest.fixture
def own_certificate(host: MailHost) -> Iterator[MailHost]:
    before = host.machine.read(CONF)
    host.machine.run(MADE)
    host.smallmail("set " + FILES)
    yield host
    host.machine.write(CONF, before, 0o600)
    host.smallmail("apply")
    host.machine.run("rm -r /root/own")


def shown(host: MailHost) -> set[str]:
    """The certificates that new connections get, by their names."""
    subjects = set()
    for connection in (host.imap(), host.submission(465), host.submission(587)):
        assert isinstance(connection.sock, ssl.SSLSocket)
        subjects.add(ssl.DER_cert_to_PEM_cert(connection.sock.getpeercert(True) or b""))
        connection.logout() if isinstance(connection, imaplib.IMAP4) else connection.quit()
    return subjects


def processes(host: MailHost) -> set[int]:
    names = ("imap", "imap-login", "managesieve", "lmtp", "auth", "imap-hibernate", "log", "config", "stats")
    return {number for number, name in host.machine.processes().items() if name in names}


def test_open_sessions_outlive_a_new_certificate_and_new_settings(own_certificate: MailHost, record: Record) -> None:
    host = own_certificate
    first, = shown(host)
    opened, former = sessions.several(host), processes(host)
    host.machine.run("cp /root/own/cert2.pem /root/own/cert.pem; systemctl start smallmail-certificate.service")
    second, = shown(host)
    assert second != first
    assert second == host.machine.read("/root/own/cert2.pem")
    assert "dovecot" in host.smallmail("set quota=3G")
    host.smallmail("apply")
    memory = host.machine.memory().total
    time.sleep(PATIENCE)
    for what, session in opened.items():
        try:
            session.finish()
        except (AssertionError, EOFError, OSError, imaplib.IMAP4.abort) as cut:
            pytest.fail(f"{what}: {cut!r}")
    host.machine.run("systemctl reload postfix")  # its idle processes would hold Dovecot's for another 100 s (max_idle)
    host.wait(lambda: not former & processes(host), "the former processes to end with their last session")
    record(f"{len(opened)} sessions outlived 2 reloads; then their {len(former)} processes ended:"
           f" {(memory - host.machine.memory().total) / 1024:.0f} MiB")


def test_a_restart_ends_sessions(host: MailHost) -> None:
    waiting = sessions.Idle(host)
    host.machine.run("systemctl reload dovecot")
    former = processes(host)
    host.machine.run("systemctl restart dovecot")
    host.machine.wait_port(993)
    assert not former & processes(host)
    with pytest.raises((AssertionError, OSError, imaplib.IMAP4.abort)):
        waiting.finish()
    done(host.imap().select("INBOX"))
