"""What was carried out of larger files: see the names below."""
import contextlib
import sys
from typing import List

from smallmail.machine.host import Failed, Host


def alarm(host: Host, sentences: List[str]) -> None:
    """Say what the admin must know, and send it to root by mail: nobody may be reading now."""
    if not sentences:
        return
    text = "\n\n".join(sentences)
    print("smallmail-server: " + text, file=sys.stderr)
    with contextlib.suppress(Failed):
        mail(host, "smallmail: something of yours was set aside", text)


def mail(host: Host, subject: str, text: str) -> None:
    """Send a letter to root: it comes to the first mailbox. Raises Failed when Postfix does not take it."""
    subject = " ".join(subject.split())[:200].encode("ascii", "replace").decode("ascii")
    head = "To: root\nSubject: {}\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n" \
        "Content-Transfer-Encoding: 8bit\nAuto-Submitted: auto-generated\n".format(subject)
    host.run(["sendmail", "-i", "root"], head + "\n" + text + "\n")
