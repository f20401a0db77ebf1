"""Messages for the tests."""
import email
import email.policy
import email.utils
import uuid

_WORDS = ("meeting budget garden window printer invoice holiday recipe bicycle library concert ticket engine harbour "
          "mountain pencil candle orchard bridge teacher").split()


def plain(sender, recipient, subject, body="", headers=None):
    """An ordinary letter. Each says something else: Rspamd knows again what it has greylisted by its text too."""
    body = body or f"Good day, and {uuid.uuid4()}.\r\n"
    lines = {"From": sender, "To": recipient, "Subject": subject, "Date": email.utils.formatdate(),
             "Message-ID": email.utils.make_msgid(domain=sender.rpartition("@")[2]), "MIME-Version": "1.0",
             "Content-Type": "text/plain; charset=utf-8", **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return (head + "\r\n" + body).encode("utf-8")


def long(sender, recipient, subject, about=""):
    """A letter with words enough for a statistical filter to learn from; what it is `about` changes them all."""
    words = [word + about.replace(" ", "") for word in _WORDS]
    body = "\r\n".join(" ".join(words[(row * 7 + column) % len(words)] for column in range(10)) for row in range(20))
    return plain(sender, recipient, subject, body + "\r\n")


def gtube(sender, recipient):
    """Every spam filter refuses this one (https://spamassassin.apache.org/gtube/)."""
    return plain(sender, recipient, "gtube",
                 "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n")


def spam(sender, recipient, subject):
    """Rspamd's own test string that scores as spam to be marked, not refused (its "gtube_patterns")."""
    return plain(sender, recipient, subject,
                 "YJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n")


def big(sender, recipient, size):
    """A letter of about that many bytes."""
    return plain(sender, recipient, "big", "\r\n".join(["x" * 70] * (size // 72)) + "\r\n")


def parsed(raw):
    """The message as Python knows it."""
    return email.message_from_bytes(raw, policy=email.policy.default)
