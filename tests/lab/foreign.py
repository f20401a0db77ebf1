"""The foreign mail server, mx.example.net: exim takes mail for example.net and sends some, as a stranger."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import cast

from .chroot import Chroot
from .clients import Client, Server
from .dns import Dns
from .errors import tail, until
from .network import Namespace, inside, ipv6

NAME, ADDRESS, DOMAIN = "mx.example.net", "203.0.113.25", "example.net"
CONFIGURATION = Path(__file__).parent / "etc/exim.conf"


class Foreign(Client):
    """Speaks from 203.0.113.25, which has all the records of an honest sender."""

    def __init__(self, chroot: Chroot, namespace: Namespace, names: Dns) -> None:
        super().__init__(namespace, NAME)
        self._chroot, self._dns = chroot, names
        chroot.run("""
            mkdir -p /srv/mail && chown Debian-exim: /srv/mail
            openssl genrsa -out /etc/exim4/dkim.key 2048 && chown root:Debian-exim /etc/exim4/dkim.key
            chmod 640 /etc/exim4/dkim.key
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -subj /CN=mx.example.net \
                -days 30 -keyout /etc/exim4/tls.key -out /etc/exim4/tls.pem
            chown root:Debian-exim /etc/exim4/tls.key && chmod 640 /etc/exim4/tls.key
        """)
        chroot.write("/etc/exim4/exim4.conf", CONFIGURATION.read_text(encoding="utf-8"))
        self._publish()
        chroot.daemon("exim", ["exim4", "-bdf", "-q5s"], namespace, self._answers)

    def _publish(self) -> None:
        public = "openssl rsa -in /etc/exim4/dkim.key -pubout -outform DER | base64 -w 200"
        key = '" "'.join(self._chroot.run(public).stdout.split())
        self._dns.set(DOMAIN, f"""\
@ MX 10 {NAME}.
@ TXT "v=spf1 ip4:{ADDRESS} ip6:{ipv6(ADDRESS)} -all"
_dmarc TXT "v=DMARC1; p=reject"
lab._domainkey TXT "v=DKIM1; k=rsa; p={key}"
mx A {ADDRESS}
mx AAAA {ipv6(ADDRESS)}
""")
        self._dns.set_reverse(ADDRESS, NAME)

    def _answers(self) -> bool:
        try:
            self.smtp(Server(NAME, ADDRESS)).quit()
        except OSError:
            return False
        return True

    def tlsa(self) -> str:
        """The TLSA record of its key (RFC 7672, 3.1.1)."""
        digest = "openssl x509 -in /etc/exim4/tls.pem -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum"
        return "3 1 1 " + self._chroot.run(digest).stdout.split()[0]

    def post(self, sender: str, recipient: str, message: bytes) -> None:
        """Give a message to exim, to be sent as real mail is: signed, queued, tried again after a 4xx."""
        with inside(self.namespace):
            self._chroot.run(["exim4", "-odi", "-f", sender, "--", recipient], input=message)

    def queue(self) -> list[str]:
        """The messages that exim still tries to send, one line each."""
        return self._chroot.run(["exim4", "-bpr"]).stdout.splitlines()

    def received(self, recipient: str) -> list[bytes]:
        """All messages for an address, as they came, in the order of their arrival."""
        folder = self._chroot.path / "srv/mail/new"
        files = sorted(folder.glob("*"), key=lambda file: file.stat().st_mtime_ns)
        messages = [file.read_bytes() for file in files]
        return [raw for raw in messages if parsed(raw)["Envelope-to"] == recipient]

    def forget(self) -> None:
        """Throw away all that was received, before another machine writes letters of the same subjects."""
        self._chroot.run("rm -f /srv/mail/new/* /srv/mail/cur/*")

    def mail(self, recipient: str) -> list[EmailMessage]:
        """All messages for an address, parsed."""
        return [parsed(raw) for raw in self.received(recipient)]

    def expect(self, recipient: str, subject: str, seconds: float = 60,
               why: Callable[[], str] = lambda: "") -> bytes:
        """Wait for the message with this subject, and return it as it came. `why` as for until()."""
        def found() -> bytes | None:
            return next((raw for raw in self.received(recipient) if parsed(raw)["Subject"] == subject), None)
        return until(found, f"{subject!r} to reach {recipient}", seconds, lambda: self.log() + why())

    def log(self) -> str:
        """The end of what exim has noted."""
        return tail(self._chroot.run("cat /var/log/exim4/*log", check=False).stdout)


def parsed(raw: bytes) -> EmailMessage:
    return cast(EmailMessage, email.message_from_bytes(raw, policy=email.policy.default))
