"""Send the corpus of odd letters through a host, and collect what servers outside have taken."""

from __future__ import annotations

import base64
import smtplib
from collections.abc import Iterable

import dkim
import nacl.signing

from tests.corpus import Letter
from tests.lab.sink import Peer, Sinks
from tests.support.arrivals import ABOVE, BELOW, DROPPED, Judge, Tally, changes
from tests.support.mail_host import MailHost

PEERS = (Peer("all.example.net", "203.0.113.61", ["PIPELINING", "8BITMIME", "CHUNKING", "SMTPUTF8", "SIZE 99999999"]),
         Peer("eight.example.net", "203.0.113.62", ["8BITMIME", "SIZE 99999999"]),
         Peer("none.example.net", "203.0.113.63", []))
ALL, EIGHT, NONE = (peer.domain for peer in PEERS)
OURS = ("dkim", "dkim-ed25519")  # the selectors of this host's signatures
# The stranger's key, which signs all bytes: nothing is relaxed.
_SEED = b"the key of a stranger who signs."
_STRANGER = {"selector": b"corpus", "domain": b"example.net", "privkey": base64.b64encode(_SEED),
             "signature_algorithm": b"ed25519-sha256", "canonicalize": (b"simple", b"simple"), "linesep": b"\r\n"}
_PUBLIC = base64.b64encode(nacl.signing.SigningKey(_SEED).verify_key.encode()).decode("ascii")
STRANGERS_RECORD = f'corpus._domainkey TXT "v=DKIM1; k=ed25519; p={_PUBLIC}"\n'  # in the zone example.net
# Letters pass whatever their score and their number is, and no list is asked that the lab does not have.
_LENIENT = {"actions.conf": "reject = 1000;\nadd_header = 900;\ngreylist = 800;\n",
            **dict.fromkeys(["ratelimit.conf", "rbl.conf", "fuzzy_check.conf", "phishing.conf"], "enabled = false;\n")}


def make_lenient(host: MailHost) -> None:
    """Let Rspamd accept all letters of the corpus, except what smallmail's own rules refuse."""
    for name, text in _LENIENT.items():
        host.machine.write(f"/etc/rspamd/override.d/{name}", text)
    host.machine.run("systemctl restart rspamd")
    host.machine.wait_port(11334)
    host.machine.run("systemctl start smallmail-dkim.service")


def readers(letter: Letter, way: str, domains: Iterable[str] = (ALL, EIGHT, NONE)) -> list[str]:
    """Return to whom a letter goes: one address at each peer, or many at the first."""
    names = list(domains)
    if letter.recipients > 1:
        return [f"{letter.name}.{way}.{number}@{names[0]}" for number in range(letter.recipients)]
    return [f"{letter.name}.{way}@{domain}" for domain in names]


def offer(connection: smtplib.SMTP, sender: str, recipients: Iterable[str], message: bytes) -> tuple[int, str]:
    """Send a letter; every recipient must be accepted. Returns the reply that ends it."""
    connection.mail(sender)
    for recipient in recipients:
        assert connection.rcpt(recipient)[0] == 250, recipient
    code, text = connection.data(message)
    return code, text.decode("ascii")


def sign_as_stranger(letter: Letter, written: bytes) -> bytes:
    """Sign a letter with the stranger's key. Returns it unsigned if a line of it is not a field: dkimpy refuses it."""
    try:
        signature: bytes = dkim.sign(written, **_STRANGER)
    except dkim.MessageFormatError:
        assert letter.obsolete
        return written
    return signature + written


def wait_sent(host: MailHost) -> None:
    """Wait until the queue is empty."""
    host.wait(lambda: "is empty" in host.machine.run("postqueue -p").stdout, "the queue to be empty", 90)


def copies(sinks: Sinks) -> dict[str, list[bytes]]:
    """Return all that the peers have taken, by recipient."""
    found: dict[str, list[bytes]] = {}
    for peer in PEERS:
        for taken in sinks.taken(peer.domain):
            for recipient in taken.recipients:
                found.setdefault(recipient, []).append(taken.message)
    return found


def count_submitted(tally: Tally, judge: Judge, letter: Letter, written: bytes, to: Iterable[str],
                    arrived: dict[str, list[bytes]]) -> None:
    """Count what became of a letter of ours. Copies that are the same from the signatures on are judged once."""
    seen = set()
    tally.obsolete += letter.obsolete
    for reader in to:
        come = arrived.get(reader, [])
        if not tally.arrived(reader, come):
            continue
        below = come[0].partition(b"DKIM-Signature:")[2]
        if below not in seen or not below:
            seen.add(below)
            tally.signed(reader, judge.verdicts(come[0]), OURS)
            if not letter.obsolete:
                tally.changed(reader, changes(written, come[0], above=ABOVE, below=BELOW, gone=DROPPED))


def was_taken(letter: Letter, answer: tuple[int, str], tally: Tally) -> bool:
    """Return whether a stranger's letter was taken. It must be, unless Postfix would cut it."""
    code, text = answer
    tally.refused += letter.cut
    tally.obsolete += letter.obsolete
    assert code == (554 if letter.cut else 250), (letter.name, text)
    return not letter.cut
