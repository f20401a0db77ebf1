"""Mail as it was written: the corpus of odd letters by every way through the host, to servers that announce much or
little. What is taken arrives whole, once, and with right signatures; what is not is refused with a sentence."""
import base64
import io
import re
import tarfile
import threading

import dkim
import nacl.signing
import pytest

from tests.corpus import letters as corpus
from tests.lab import roots
from tests.lab.sink import Peer, Sinks
from tests.system.arrivals import ABOVE, BELOW, DELIVERY, DROPPED, LAST, MARKS, Judge, Tally, changes, ended
from tests.system.mailhost import ALICE, BOB, MailHost

PEERS = (Peer("all.example.net", "203.0.113.61", ["PIPELINING", "8BITMIME", "CHUNKING", "SMTPUTF8", "SIZE 99999999"]),
         Peer("eight.example.net", "203.0.113.62", ["8BITMIME", "SIZE 99999999"]),
         Peer("none.example.net", "203.0.113.63", []))
ALL, EIGHT, NONE = (peer.domain for peer in PEERS)
CORPUS = corpus()
ONE_READER = [letter for letter in CORPUS if letter.recipients == 1]
# The ports differ in how TLS begins, which no letter's form can matter to: the second one is for some of them.
BY_PORT = {465: CORPUS, 587: CORPUS[::4]}
OURS = ("dkim", "dkim-ed25519")
# The stranger's key, and what it signs: all bytes, nothing relaxed.
SEED = b"the key of a stranger who signs."
STRANGER = {"selector": b"corpus", "domain": b"example.net", "privkey": base64.b64encode(SEED),
            "signature_algorithm": b"ed25519-sha256", "canonicalize": (b"simple", b"simple"), "linesep": b"\r\n"}
SIGNATURE = re.compile(rb"s=corpus;.*?;\s*b=(.*?)\r\n(?![ \t])", re.S)
DELIVERED_TO = re.compile(rb"^Delivered-To: <?alice\+([^@]+)@", re.M)
# Letters go through whatever they score, and as many as there are; nobody asks lists that the lab has not.
LENIENT = {"actions.conf": "reject = 1000;\nadd_header = 900;\ngreylist = 800;\n",
           **dict.fromkeys(["ratelimit.conf", "rbl.conf", "fuzzy_check.conf", "phishing.conf"], "enabled = false;\n")}
# Addresses in fields that sendmail(1) completes or writes anew, before the signature.
COMPLETED = {"cc-route", "cc-bare", "cc-name-open", "cc-bang"}
NOTHING = {"changed": [], "unsigned": [], "doubled": [], "lost": []}
SUITES = ["trixie", *(pytest.param(name, marks=pytest.mark.slow) for name in ("bookworm", "bullseye", "forky"))]


@pytest.fixture(scope="module", params=SUITES)
def mail(request, deb, world, installed):
    if reason := roots.available(request.param):
        pytest.skip(reason)
    with MailHost(request.param, deb, world, installed=installed(request.param)) as host:
        for name, text in LENIENT.items():
            host.machine.write("/etc/rspamd/override.d/" + name, text)
        host.machine.run("systemctl restart rspamd")
        host.machine.wait_port(11334)
        host.machine.run("systemctl start smallmail-dkim.service")
        yield host


@pytest.fixture(scope="module")
def sinks(world):
    public = base64.b64encode(nacl.signing.SigningKey(SEED).verify_key.encode()).decode("ascii")
    world.dns.set("example.net", 'corpus._domainkey TXT "v=DKIM1; k=ed25519; p={}"\n'.format(public))
    with Sinks(world.dns, PEERS) as servers:
        yield servers


@pytest.fixture(scope="module")
def judge(world):
    return Judge(world)


def readers(letter, way, domains=(ALL, EIGHT, NONE)):
    """To whom a letter goes: one at each peer, or many at the first."""
    if letter.recipients > 1:
        return ["{}.{}.{}@{}".format(letter.name, way, number, domains[0]) for number in range(letter.recipients)]
    return ["{}.{}@{}".format(letter.name, way, domain) for domain in domains]


def offer(connection, sender, recipients, message):
    """Send a letter; the reply that ends it."""
    connection.mail(sender)
    for recipient in recipients:
        assert connection.rcpt(recipient)[0] == 250, recipient
    code, text = connection.data(message)
    return code, text.decode("ascii")


def copies(sinks):
    """All that has come, by recipient."""
    found = {}
    for peer in PEERS:
        for taken in sinks.taken(peer.domain):
            for recipient in taken.recipients:
                found.setdefault(recipient, []).append(taken.message)
    return found


def settled(mail):
    """Wait until the queue is empty."""
    mail.wait(lambda: "is empty" in mail.machine.run("postqueue -p").stdout, "the queue to be empty", 90)


def count_submitted(tally, judge, letter, written, to, arrived):
    """Count what became of a letter of ours. Copies that are alike from the signatures on are looked at once."""
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


@pytest.fixture(scope="module")
def submissions(mail, sinks):
    """Both ports at once; the answers to each letter, by port."""
    answers = {465: {}, 587: {}}

    def submit(port):
        connection = mail.submission(port)
        for letter in BY_PORT[port]:
            to = readers(letter, port)
            answers[port][letter.name] = offer(connection, ALICE, to, letter.written(ALICE, to[0]))
        connection.quit()

    threads = [threading.Thread(target=submit, args=[port]) for port in answers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    settled(mail)
    return answers


@pytest.mark.parametrize("port", [465, 587])
def test_what_is_submitted_arrives_as_it_was_written_and_signed(submissions, sinks, judge, record, port):
    tally, arrived = Tally(str(port)), copies(sinks)
    for letter in BY_PORT[port]:
        (code, text), to = submissions[port][letter.name], readers(letter, port)
        if letter.refused:
            tally.refused += 1
            assert code == 554 and letter.refused in text, (letter.name, text)
            assert not any(reader in arrived for reader in to), letter.name
        else:
            assert code == 250, (letter.name, text)
            count_submitted(tally, judge, letter, letter.written(ALICE, to[0]), to, arrived)
    record(str(tally))
    assert tally.tried > 300 and tally.faults == NOTHING


def test_what_programs_send_arrives_signed(mail, sinks, judge, record):
    """By sendmail(1), with -t where To alone names the reader."""
    archive, script = io.BytesIO(), ["cd /tmp/corpus"]
    to = {letter.name: readers(letter, "sendmail", [NONE])[0] for letter in ONE_READER}
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for letter in ONE_READER:
            text = letter.written(ALICE, to[letter.name]).replace(b"\r\n", b"\n")
            entry = tarfile.TarInfo(letter.name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))
            by_field = re.findall(rb"(?im)^(to|cc|bcc|resent-\w+):", letter.head) == [b"To"]
            script.append("sendmail -i -f {} {} <{}".format(ALICE, "-t" if by_field else to[letter.name], letter.name))
    mail.machine.run("mkdir /tmp/corpus && tar x -C /tmp/corpus", input=archive.getvalue())
    mail.machine.run("\n".join(script), check=False)
    settled(mail)
    tally, arrived = Tally("sendmail"), copies(sinks)
    for letter in ONE_READER:
        reader = to[letter.name]
        if letter.refused:
            tally.refused += 1
            assert reader not in arrived, letter.name
        else:
            kept = letter._replace(obsolete=letter.obsolete or letter.name in COMPLETED)
            count_submitted(tally, judge, kept, letter.written(ALICE, reader), [reader], arrived)
    record(str(tally))
    assert tally.tried > 300 and tally.faults == NOTHING


@pytest.fixture(scope="module")
def incoming(mail, world, sinks):
    """Letters that a stranger has signed, to a mailbox and to two aliases that lead outside; the letters by name, and
    the answers."""
    aliases = []
    for number, domain in enumerate((ALL, NONE)):
        aliases.append("away{}@example.org".format(number))
        mail.smallmail("alias add {} out@{}".format(aliases[-1], domain))
    connection, sent, answers = world.foreign.smtp(mail.server), {}, {}
    for letter in ONE_READER:
        to = "alice+{}@example.org".format(letter.name)
        sent[letter.name] = signed(letter, ended(letter.written(BOB, to)))
        answers[letter.name] = offer(connection, BOB, [to, *aliases], sent[letter.name])
    connection.quit()
    settled(mail)
    return sent, answers


def signed(letter, written):
    """By the stranger. What is no field, dkimpy does not sign."""
    try:
        return dkim.sign(written, **STRANGER) + written
    except dkim.MessageFormatError:
        assert letter.obsolete
        return written


def was_taken(letter, answer, tally):
    """Whether a stranger's letter was taken; it must be, unless Postfix would have cut it."""
    code, text = answer
    tally.refused += letter.cut
    tally.obsolete += letter.obsolete
    assert code == (554 if letter.cut else 250), (letter.name, text)
    return not letter.cut


def test_a_mailbox_holds_what_came(mail, incoming, record):
    """Byte for byte, below what is added above."""
    sent, answers = incoming
    connection = mail.imap()
    connection.select("INBOX", readonly=True)
    parts = connection.fetch("1:*", "(BODY.PEEK[])")[1]
    connection.logout()
    tally, boxed = Tally("incoming"), {}
    for part in parts:
        if isinstance(part, tuple) and (name := DELIVERED_TO.search(part[1])):
            boxed.setdefault(name[1].decode("ascii"), []).append(part[1])
    for letter in ONE_READER:
        come = boxed.get(letter.name, [])
        if was_taken(letter, answers[letter.name], tally) and tally.arrived(letter.name, come) and not letter.obsolete:
            tally.changed(letter.name, changes(sent[letter.name], come[0], above=DELIVERY, below=LAST, gone=MARKS))
    record(str(tally))
    assert tally.tried > 300 and tally.faults == NOTHING


@pytest.mark.parametrize("domain", [ALL, NONE])
def test_what_an_alias_forwards_keeps_its_signature(incoming, sinks, judge, record, domain):
    sent, answers = incoming
    tally, arrived = Tally("forwarded to " + domain), {}
    for taken in sinks.taken(domain):
        if taken.recipients == ["out@" + domain] and (mark := SIGNATURE.search(taken.message)):
            arrived.setdefault(mark[1], []).append(taken.message)
    for letter in ONE_READER:
        mark = SIGNATURE.search(sent[letter.name])
        if not was_taken(letter, answers[letter.name], tally) or not mark:
            continue
        come = arrived.get(mark[1], [])
        if tally.arrived(letter.name, come) and not letter.obsolete:
            tally.signed(letter.name, judge.verdicts(come[0]), ["corpus"])
            tally.changed(letter.name, changes(sent[letter.name], come[0], above=DELIVERY, below=LAST, gone=MARKS))
    record(str(tally))
    assert tally.tried > 300 and tally.faults == NOTHING
