"""Send mail to root: it arrives in the first mailbox (an alias of the host)."""
import contextlib
import sys
from typing import List

from smallmail.machine.host import Failed, Host
from smallmail.plain import plain

# Seconds. sendmail(1) tries again without end while Postfix's spool cannot be written, for example because it is full
# (mail_queue_enter(3)); the job that sends the letter has other work to do.
_PATIENCE = 30


def alarm(host: Host, sentences: List[str]) -> None:
    """Print these sentences on stderr and mail them to root, because nobody may be reading the screen now."""
    if not sentences:
        return
    text = "\n\n".join(sentences)
    print("smallmail-server: " + text, file=sys.stderr)
    with contextlib.suppress(Failed):
        mail(host, "smallmail: something of yours was set aside", text)


def mail(host: Host, subject: str, text: str) -> None:
    """Send a letter to root. Raises Failed if Postfix does not accept it."""
    subject = " ".join(plain(subject).split())[:200].encode("ascii", "replace").decode("ascii")
    head = "To: root\nSubject: {}\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n" \
        "Content-Transfer-Encoding: 8bit\nAuto-Submitted: auto-generated\n".format(subject)
    host.run(["sendmail", "-i", "root"], head + "\n" + plain(text) + "\n", seconds=_PATIENCE)
