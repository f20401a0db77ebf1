"""Tell whether the mail directory is the one that it was, or what is under a mount that is missing.

A file in the directory marks it: it comes along with a bind mount, a subvolume, a restored backup or a new machine,
whose device numbers differ. A restored directory may lack the file; then its mailboxes tell, unless the mail was on a
file system of its own and is not any more.

If state.MAIL_VOLUME is lost or damaged, the directory counts as new, and is marked.
"""
import os
from collections import OrderedDict
from typing import Any, Dict, Iterator  # noqa: F401 (Any, Dict: in a type comment)

from smallmail.errors import Problem
from smallmail.findings import Finding, Group
from smallmail.machine import services, state, state_files, walk
from smallmail.machine.host import Failed, Host
from smallmail.settings.fields import Settings

MARKER = ".smallmail"   # postrm has it, too

_GROUP = Group("host")

# `directory`: as the setting has it; `is_apart`: it was on another file system than the root folder.
_EMPTY = OrderedDict([("directory", ""), ("is_apart", False)])  # type: Dict[str, Any]


def remembered(host: Host) -> str:
    """Return the directory that was marked; "" if none was."""
    return str(state_files.load_json(host, state.MAIL_VOLUME, _EMPTY)["directory"])


def missing(host: Host, directory: str) -> str:
    """Return a sentence if the mail is not in this directory, where it was; else ""."""
    known = state_files.load_json(host, state.MAIL_VOLUME, _EMPTY)
    if not directory or known["directory"] != directory or _may_be_marked(host, directory):
        return ""
    was_apart = known["is_apart"] and not _is_apart(host, directory)
    if not was_apart and _has_mailboxes(host, directory):
        return ""
    return "{0} does not contain the mail that was there: mount its volume, then type 'systemctl restart dovecot' (if" \
        " it is to begin empty: 'mkdir -p {0} && touch {0}/{1}')".format(directory, MARKER)


def unmounted(host: Host, directory: str) -> str:
    """Return a sentence if /etc/fstab has a mount for a directory that was never marked, and it is missing; else ""."""
    if remembered(host) == directory or not services.managed() or _has_mailboxes(host, directory):
        return ""
    mounted = {line.split()[4] for line in host.text("proc/self/mountinfo").splitlines()}   # proc(5)
    lines = [line.split() for line in host.text("etc/fstab").splitlines() if not line.lstrip().startswith("#")]
    for point in (words[1] for words in lines if len(words) > 1):
        if (directory + "/").startswith(point.rstrip("/") + "/") and mounted and point not in mounted:
            return "{0} is in /etc/fstab and is not mounted, so {1} would be hidden later: type 'mount {0}'".format(
                point, directory)
    return ""


def elsewhere(host: Host, directory: str) -> str:
    """Return a sentence if the mail is still in another directory, from which it must be moved first; else ""."""
    former = remembered(host)
    if former in ("", directory) or not _has_mailboxes(host, former) or _has_mailboxes(host, directory):
        return ""
    return "mail-directory: the mail is in {0}: type 'systemctl stop dovecot && mkdir -p {1} && cp -a {0}/. {1}/'" \
        " first (mail waits in the queue meanwhile), then try again, and delete {0} when all is there".format(
            former, directory)


def mark(host: Host, directory: str) -> None:
    """Mark the directory, which exists, and remember it. Call it only if nothing is missing(). A directory that vmail
    cannot write (check tells of it) is not remembered."""
    if not _may_be_marked(host, directory):
        try:
            # As vmail: the directory is vmail's, and on a network file system root may have no rights.
            host.run(["touch", host.path("{}/{}".format(directory[1:], MARKER))], user="vmail")
        except Failed:
            return
    state_files.save_json(host, state.MAIL_VOLUME, OrderedDict([
        ("directory", directory), ("is_apart", _is_apart(host, directory))]))


def moved(host: Host) -> None:
    """Forget on what file system the mail was: it was that of another machine."""
    known = state_files.load_json(host, state.MAIL_VOLUME, _EMPTY)
    if known["is_apart"]:
        state_files.save_json(host, state.MAIL_VOLUME, OrderedDict(known, is_apart=False))


def findings(host: Host, settings: Settings) -> Iterator[Finding]:
    """Check that the mail is where it was. Yields a problem if it is not."""
    if missing(host, settings.mail_directory):
        yield lost(settings.mail_directory)


def lost(directory: str) -> Finding:
    """Return the finding on a directory from which the mail is missing."""
    return _GROUP.problem("{} does not contain the mail that was there".format(directory), "Its volume is not mounted."
                          " Dovecot does not start, and mail waits in the queue.", ["systemctl restart dovecot"],
                          advice="Mount the volume first. If the mail is to begin empty, create {}/{}.".format(
                              directory, MARKER))


def _may_be_marked(host: Host, directory: str) -> bool:
    """Tell whether the marker is there. What cannot be asked stops no mail."""
    try:
        with walk.to(host.root, "{}/{}".format(directory, MARKER), follow=False) as place:
            os.stat(place.name, dir_fd=place.folder, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (Problem, OSError):
        return True
    return True


def _is_apart(host: Host, directory: str) -> bool:
    """Tell whether the directory is on another file system than the root folder."""
    try:
        with walk.into(host.root, directory) as place, walk.into(host.root, "") as root:
            return os.fstat(place.folder).st_dev != os.fstat(root.folder).st_dev
    except (Problem, OSError):
        return False


def _has_mailboxes(host: Host, directory: str) -> bool:
    """Tell whether there is a mailbox: /srv/mail/DOMAIN/NAME/mail."""
    try:
        for domain in host.names(directory):
            for name in host.names("{}/{}".format(directory, domain)):
                if host.exists("{}/{}/{}/mail".format(directory, domain, name)):
                    return True
    except (Problem, OSError):
        return True
    return False
