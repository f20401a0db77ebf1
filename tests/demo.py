"""make demo: a fresh Debian becomes a mail server before your eyes, and exchanges mail with a foreign one.

SUITE in the environment chooses the Debian (bookworm), MIRROR where its packages come from.
"""

from __future__ import annotations

import email
import email.policy
import imaplib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate, make_msgid
from pathlib import Path

from lab import LabError, Machine, Server, World, can_boot, converse, packages, roots, until

SOURCE = Path(__file__).parent.parent
HOST = Server("mx.example.org", "203.0.113.10")
ALICE, BOB, PASSWORD = "alice@example.org", "bob@example.net", "correct horse 7 battery"
ANSWERS = {"hostname": HOST.name, "domain": "example.org", "address": ALICE, "password": PASSWORD,
           "password-again": PASSWORD, "certificate": "self-signed"}
CERTIFICATE = "/var/lib/smallmail/tls/current/fullchain.pem"
STARTED = time.monotonic()
WIDTH = 104


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is being done, and when it is done how long it took; on a terminal in one line."""
    if sys.stdout.isatty():
        print(f"  {what} ...\r", end="", flush=True)
    started = time.monotonic()
    try:
        yield
    except BaseException:
        print(f"✘ {what}    ", flush=True)
        raise
    print(f"✔ {what}  ({time.monotonic() - started:.1f} s)", flush=True)


def show(text: str) -> None:
    """What a machine said, apart from what we say."""
    for line in text.strip().splitlines():
        print("    |", line if len(line) <= WIDTH else line[:WIDTH - 1] + "…", flush=True)


def letter(sender: str, recipient: str, subject: str, text: str) -> bytes:
    domain = sender.partition("@")[2]
    return (f"From: {sender}\r\nTo: {recipient}\r\nSubject: {subject}\r\nDate: {formatdate()}\r\n"
            f"Message-ID: {make_msgid(domain=domain)}\r\n\r\n{text}\r\n").encode()


def install(machine: Machine, deb: Path) -> None:
    """As a newcomer does, but for the questions, which are answered beforehand."""
    packages.offer(machine, deb)
    packages.preseed(machine, deb, ANSWERS)
    with step("apt install smallmail-server"):
        said = packages.install(machine, "smallmail-server")
        for port in (25, 465, 587, 993):
            machine.wait_port(port)
    own = said[said.index("Setting up smallmail-server"):]  # what came before is every package's noise
    show(own.partition("\nProcessing triggers")[0])


def publish(world: World, machine: Machine) -> None:
    with step("publish what `smallmail dns show` prints"):
        records = machine.run(["smallmail", "dns", "show"]).stdout
        world.dns.set("example.org", records)
        world.dns.set_reverse(HOST.address, HOST.name)
    show("\n".join(line for line in records.splitlines() if not line.startswith(";")))


def receive(world: World, machine: Machine) -> None:
    """A stranger writes; the user reads it over IMAPS."""
    subject = "A letter from outside"
    with step(f"{BOB}, at a foreign server, writes to {ALICE}"):
        world.foreign.post(BOB, ALICE, letter(BOB, ALICE, subject, "Does your new mail server work?"))
    with step(f"{ALICE} reads it over IMAPS, port 993"):
        imap = world.client.imap(HOST, ALICE, PASSWORD, trust=machine.read(CERTIFICATE))
        raw = until(lambda: find(imap, subject), "the letter to be in the mailbox", 90,
                    lambda: world.foreign.log() + machine.journal())
        imap.logout()
    message = email.message_from_bytes(raw, policy=email.policy.default)
    verdicts = str(message["Authentication-Results"]).replace(";", "\n   ")
    show(f"Subject: {message['Subject']}\nAuthentication-Results: {verdicts}")


def find(imap: imaplib.IMAP4_SSL, subject: str) -> bytes | None:
    """The message with this subject, as it is in the inbox."""
    imap.select("INBOX")
    for number in imap.search(None, "ALL")[1][0].split():
        part = imap.fetch(number.decode(), "(BODY.PEEK[])")[1][0]
        if isinstance(part, tuple) and email.message_from_bytes(part[1])["Subject"] == subject:
            return part[1]
    return None


def answer(world: World, machine: Machine) -> None:
    """The user answers by port 465; the stranger's server and dkimpy judge the signature."""
    subject = "A letter to outside"
    with step(f"{ALICE} answers over submission, port 465"):
        smtp = world.client.submission(HOST, ALICE, PASSWORD, trust=machine.read(CERTIFICATE))
        reply = converse(smtp, ALICE, BOB, letter(ALICE, BOB, subject, "It does."))
        smtp.quit()
        if reply.code != 250:
            raise LabError(f"the submission was refused at {reply.command}: {reply.code} {reply.text}")
    with step(f"the foreign server has it, and verifies the DKIM signature of {HOST.name}"):
        raw = world.foreign.expect(BOB, subject, why=machine.journal)
        verdict = email.message_from_bytes(raw, policy=email.policy.default)["X-DKIM-Verdict"] or "not signed"
        if not verdict.startswith("pass d=example.org ") or not world.verify_dkim(raw):
            raise LabError(f"the DKIM signature is not right: {verdict}")
    show(f"exim: {verdict}; dkimpy: verified")


def main() -> None:
    suite = os.environ.get("SUITE", "bookworm")
    if reason := can_boot() or roots.available(suite):
        raise LabError(reason)
    with step("build the package"):
        deb = packages.build(SOURCE)
    with step(f"a fresh Debian ({suite}), cached from the second time on"):
        layers = roots.warm(suite, deb)
    with step("the world around it: DNS, a foreign mail server, a client"):
        world = World()
    with step(f"boot {HOST.name}"):
        machine = world.machine(layers, *HOST)
    install(machine, deb)
    publish(world, machine)
    receive(world, machine)
    answer(world, machine)
    memory = machine.memory()
    with step("clean up"):
        machine.close()
        world.close()
    print(f"\nA fresh {suite} is a mail server: mail came in and was read, mail went out and was verified."
          f"\n{memory.total // 1024} MiB in use; {time.monotonic() - STARTED:.0f} s in all.")


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("\nStopped; cleaning up.", file=sys.stderr)
        sys.exit(130)
