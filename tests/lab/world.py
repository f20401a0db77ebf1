"""The outside world: DNS, a foreign mail server and a client, around the machines under test."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from email.message import EmailMessage
from pathlib import Path

import dkim

from . import dns, foreign, roots
from .chroot import Chroot
from .clients import Client, Reply, Server
from .dns import RESOLVER, Dns
from .foreign import Foreign
from .machine import Machine
from .network import GATEWAY, Namespace

CLIENT = "203.0.113.77"
_HOSTS = (("internet", GATEWAY), ("foreign", foreign.ADDRESS, RESOLVER), ("client", CLIENT))


class World:
    """Three namespaces on the switch: the internet (root servers, way out), the foreign server, a client."""

    def __init__(self) -> None:
        with ExitStack() as made:
            internet, home, client = (
                made.enter_context(closing(Namespace(name, *addresses))) for name, *addresses in _HOSTS)
            internet.forward()
            self.chroot = made.enter_context(Chroot(roots.world(), "world"))
            self.chroot.write("/etc/resolv.conf", f"nameserver {RESOLVER}\n")
            self.dns = Dns(self.chroot, internet, home)
            self.foreign = Foreign(self.chroot, home, self.dns)
            self.client = Client(client, "client.example.net")
            self.dns.set("example.net", f"client A {CLIENT}\n")
            self.dns.set_reverse(CLIENT, "client.example.net")
            self._made = made.pop_all()

    def machine(self, layers: Sequence[Path], name: str, address: str, *, durable: bool = False,
                disk: bool = False, start: Sequence[str] = ()) -> Machine:
        """A machine that has this world for its internet."""
        return Machine(layers, name, address, resolver=RESOLVER, prepare=self._acquaint, durable=durable, disk=disk,
                       start=start)

    def _acquaint(self, machine: Machine) -> None:
        """A resolver on the machine trusts the lab's root key, and asks about its addresses, too."""
        key = "/usr/share/dns/root.key"
        machine.run(f"dpkg-divert --local --rename --add {key}")  # so that dns-root-data does not replace it
        machine.write(key, self.dns.trust_anchor)
        machine.write("/etc/unbound/unbound.conf.d/lab.conf", "server:\n" + "".join(
            f'    local-zone: "{zone}." nodefault\n' for zone in dns.REVERSE))

    def send(self, sender: str, recipient: str, message: bytes, *, to: Server | Machine,
             client: Client | None = None, tls: bool = True) -> Reply:
        """Speak SMTP from the foreign server's address (or another client's) and return how it ended."""
        return (client or self.foreign).send(Server(to.name, to.address), sender, recipient, message, tls=tls)

    def mail(self, recipient: str) -> list[EmailMessage]:
        """What the foreign server has taken for one of its addresses."""
        return self.foreign.mail(recipient)

    def verify_dkim(self, message: bytes) -> bool:
        """Whether a message's signature is right, by dkimpy and the lab's DNS: a judge that is not exim."""
        return bool(dkim.verify(message, dnsfunc=self._txt))

    def signatures(self, message: bytes) -> dict[str, bool]:
        """Each signature's selector, and whether that one is right, as dkimpy judges by the lab's DNS."""
        found = {}
        for number in range(len(foreign.parsed(message).get_all("DKIM-Signature", []))):
            judge = dkim.DKIM(message)
            good = judge.verify(idx=number, dnsfunc=self._txt)
            found[judge.signature_fields[b"s"].decode("ascii")] = bool(good)
        return found

    def verify_arc(self, message: bytes) -> list[dict[str, bytes]]:
        """Verify the seals of a message (RFC 8617), as dkimpy judges by the lab's DNS. Returns their parts, the last
        one first, or nothing if a seal is wrong or none is there."""
        verdict, seals, _ = dkim.arc_verify(message, dnsfunc=self._txt)
        return seals if verdict == dkim.CV_Pass else []

    def _txt(self, name: bytes, timeout: int = 5) -> bytes:
        texts = self.dns.query(name.decode("ascii"), "TXT")
        return b"".join(part.encode("ascii") for part in texts[0].split('"')[1::2]) if texts else b""

    def close(self) -> None:
        """Undo all that was made, the last first; what cannot be undone keeps nothing else."""
        self._made.close()

    def __enter__(self) -> World:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
